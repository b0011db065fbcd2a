// What the pages cannot do by themselves: draw charts, and keep addresses short.
"use strict";

const colour = (name) => getComputedStyle(document.documentElement).getPropertyValue("--" + name).trim();

// pixels, with the gap beside it
const NARROWEST_BAR = 7;

function draw(element) {
  const data = JSON.parse(element.dataset.chart);
  const stack = element.dataset.kind !== "bars";
  // an area is a stack of lines, for more days than bars have room
  const line = element.dataset.kind === "area" || (stack && element.clientWidth < NARROWEST_BAR * data.bars.length);
  const chart = window.echarts.getInstanceByDom(element) || window.echarts.init(element, null, { renderer: "svg" });
  const soft = colour("soft");
  const phone = element.clientWidth <= 560;
  // a phone has room for three dates: the first, the last and the middle one, the outer ones inside of the chart
  const last = data.bars.length - 1;
  const edges = phone && last > 3 ? { interval: (place) => [0, last >> 1, last].includes(place), alignMinLabel: "left", alignMaxLabel: "right" } : {};
  const said = (value) => value.toLocaleString(undefined, { minimumFractionDigits: data.decimals, maximumFractionDigits: data.decimals }) + (data.unit ? " " + data.unit : "");
  chart.setOption({
    animationDuration: 300,
    aria: { enabled: true },
    textStyle: { fontFamily: getComputedStyle(document.body).fontFamily },
    grid: { left: 4, right: 12, top: stack ? 64 : 16, bottom: 4, containLabel: true },
    legend: stack ? { top: 0, left: 0, type: "scroll", icon: "circle", itemWidth: 10, itemHeight: 10, itemGap: 16, textStyle: { color: soft } } : undefined,
    // rich text keeps the page's rule that nothing brings style of its own
    tooltip: { trigger: "axis", renderMode: "richText", axisPointer: { type: "shadow" }, backgroundColor: colour("card"), borderColor: colour("line"), textStyle: { color: colour("ink") }, valueFormatter: said, order: "seriesDesc", confine: true },
    xAxis: { type: "category", data: data.bars.map((bar) => bar[0]), axisTick: { show: false }, axisLine: { lineStyle: { color: colour("line") } }, axisLabel: { color: soft, hideOverlap: true, ...edges } },
    yAxis: { type: "value", minInterval: data.decimals ? 0 : 1, splitLine: { lineStyle: { color: colour("line") } }, axisLabel: { color: soft } },
    series: data.series.map((one, index) => ({
      name: one.name,
      id: one.key,
      type: line ? "line" : "bar",
      symbol: "none",
      lineStyle: line ? { width: 0 } : undefined,
      areaStyle: line ? { color: colour(one.colour || one.key), opacity: 1 } : undefined,
      step: line ? "middle" : undefined,
      stack: stack ? "all" : undefined,
      data: one.values,
      barMaxWidth: 34,
      barCategoryGap: "22%",
      cursor: "pointer",
      itemStyle: { color: colour(one.colour || one.key), borderRadius: stack ? 0 : [3, 3, 0, 0] },
      markLine: index === 0 && data.marks.length ? {
        symbol: "none",
        silent: true,
        lineStyle: { color: soft, type: "dashed", width: 1 },
        label: { color: soft, fontSize: 11, position: "end", formatter: (mark) => mark.name },
        data: data.marks.map((mark) => ({ xAxis: mark.bar, name: mark.name, label: { distance: 4 + 13 * mark.level, show: !phone } })),
      } : undefined,
    })),
  }, true);
  chart.off("click");
  chart.getZr().off("click");
  // any place above a bar's name leads to its cases; on a part of the bar, to those of that outcome or cause
  let part = stack ? null : data.series[0].key;
  chart.on("click", (event) => {
    if (event.componentType === "series") part = event.seriesId;
  });
  chart.getZr().on("click", (event) => {
    const place = chart.convertFromPixel({ xAxisIndex: 0 }, event.offsetX);
    if (data.bars[place] && chart.containPixel("grid", [event.offsetX, event.offsetY])) follow(data, place, part);
  });
  return chart;
}

// the cases behind a bar, or behind a part of it
function follow(data, place, part) {
  const [, since, until] = data.bars[place];
  const to = new URL(data.link, window.location.href);
  for (const [name, value] of [[data.part, part], ["from", since], ["to", until]]) if (value) to.searchParams.set(name, value);
  window.location.href = to.href;
}

function drawAll() {
  for (const element of document.querySelectorAll(".chart")) draw(element);
}

if (window.echarts) {
  drawAll();
  window.matchMedia("(prefers-color-scheme: dark)").addEventListener("change", drawAll);
  window.addEventListener("resize", () => {
    // what has no room for bars any more becomes an area
    for (const element of document.querySelectorAll(".chart")) draw(element).resize();
  });
}

for (const form of document.querySelectorAll("form[data-submit-on-change]")) {
  form.addEventListener("change", () => form.requestSubmit());
}

// empty fields say nothing and need not stand in the address
document.addEventListener("formdata", (event) => {
  if (event.target.method === "get") {
    for (const [name, value] of [...event.formData]) if (value === "") event.formData.delete(name);
  }
});
document.addEventListener("htmx:configRequest", (event) => {
  const parameters = event.detail.parameters;
  for (const name of Object.keys(parameters)) if (parameters[name] === "") delete parameters[name];
});

// deadlines: the time that is left, each half minute
const chinese = document.documentElement.lang.startsWith("zh");
const units = chinese ? ["天", "小时", "分钟", "剩余", "已超时"] : ["days", "h", "min", "left", "late"];
function countDown() {
  for (const element of document.querySelectorAll("[data-countdown]")) {
    const left = (new Date(element.dataset.countdown) - Date.now()) / 1000;
    const away = Math.abs(left);
    const span = away >= 172800 ? `${Math.floor(away / 86400)} ${units[0]}` : `${Math.floor(away / 3600)} ${units[1]} ${Math.floor((away % 3600) / 60)} ${units[2]}`;
    const word = left > 0 ? units[3] : units[4];
    element.textContent = chinese ? `${word} ${span}` : `${span} ${word}`;
    element.parentElement.classList.toggle("late", left <= 0);
  }
}
setInterval(countDown, 30000);
