"""What buyers write in Portuguese, and the reason it gives. The sentences are ours, in the manner of real ones."""

import tomllib
from importlib.resources import files

import pytest

from evenhand.importers.olist.phrases import Phrases, phrases
from evenhand.vocabulary import REASONS

ARRIVED = [
    ("O relógio é falsificado!", "counterfeit"),
    ("Este perfume não é original.", "counterfeit"),
    ("Comprei 3 copos e só recebi 2", "missing_item"),
    ("veio faltando os parafusos", "missing_item"),
    ("Pedido chegou INCOMPLETO", "missing_item"),
    ("A caixa chegou vazia? Não: veio uma caixa vazia", "missing_item"),
    ("A cor é bem diferente da foto do site", "not_as_described"),
    ("Propaganda enganosa, não comprem", "not_as_described"),
    ("Recebi o produto errado", "wrong_item"),
    ("Mandaram outro modelo", "wrong_item"),
    ("Pedi azul e não foi o que pedi que chegou", "wrong_item"),
    ("O vaso chegou todo quebrado", "damaged"),
    ("Embalagem rasgada e caixa amassada", "damaged"),
    ("PÉSSIMA QUALIDADE", "quality"),
    ("pessima qualidade", "quality"),
    ("O fone não funciona", "quality"),
    ("Ñ funciona", "quality"),
    ("Depois de dois dias parou de funcionar", "quality"),
    ("Produto com defeito", "quality"),
    ("Não recebi o produto, mas consta como entregue", "not_received"),
    ("Me arrependi da compra", "no_reason"),
    ("Não serviu, ficou muito pequeno", "no_reason"),
]


@pytest.mark.parametrize(("comment", "reason"), ARRIVED)
def test_words_about_goods_that_arrived(comment: str, reason: str) -> None:
    assert phrases().reason(comment, arrived=True) == reason


@pytest.mark.parametrize(
    "comment",
    [
        "",
        "Péssimo",
        "Demorou muito para chegar",
        "Falta de respeito com o cliente",  # "falta" is a missing item elsewhere
        "Ainda não tive resposta da loja",
        "Não recebi a nota fiscal",
        "Não gostei do atendimento",
        "O telefone da loja não funciona",
        "Ninguém me ligou",
    ],
)
def test_words_that_say_nothing_about_the_goods(comment: str) -> None:
    assert phrases().reason(comment, arrived=True) is None


@pytest.mark.parametrize(
    "comment",
    [
        "Não recebi",
        "nao chegou ate hoje",
        "Até agora nada!",
        "Estou aguardando a entrega do produto",
        "Faltando 2 dias para a entrega me disseram que não tem em estoque",
        "Fui enganado, não entregaram o produto",
        "Produto indisponível",
    ],
)
def test_words_about_goods_under_way(comment: str) -> None:
    assert phrases().reason(comment, arrived=False) == "not_received"


def test_the_same_words_mean_something_else_once_the_goods_arrived() -> None:
    comment = "Veio com defeito e até agora nada"
    assert phrases().reason(comment, arrived=True) == "quality"
    assert phrases().reason(comment, arrived=False) == "not_received"


def test_a_phrase_does_not_reach_across_a_sentence() -> None:
    table = {
        "order": {"arrived": ["a"], "under_way": ["a"]},
        "spellings": {"n": "nao"},
        "beside_the_point": {"nao ... loja": ""},
        "groups": {"a": {"reason": "quality", "phrases": {"nao ... liga|funciona*": ""}}},
    }
    small = Phrases(table)
    assert small.reason("Não mais liga", arrived=True) == "quality"
    assert small.reason("n funcionará", arrived=True) == "quality"
    assert small.reason("Não. Liga sim", arrived=True) is None
    assert small.reason("um dois nao tres quatro cinco seis sete liga", arrived=True) is None
    assert small.reason("religa não religa", arrived=True) is None
    # "não ... loja" is taken out first
    assert small.reason("não a loja liga", arrived=True) is None


def test_the_table_gives_reasons_of_the_vocabulary_and_every_phrase_can_be_found() -> None:
    table = tomllib.loads((files("evenhand.importers.olist") / "phrases.toml").read_text("utf-8"))
    searched = {name for names in table["order"].values() for name in names}
    assert searched == set(table["groups"])
    for name, group in table["groups"].items():
        assert group["reason"] in REASONS
        for phrase, meaning in group["phrases"].items():
            assert meaning, phrase
            words = [word.split("|")[0].replace("*", "").replace("#", "2") for word in phrase.split() if word != "..."]
            alone = Phrases(table | {"order": {"arrived": [name], "under_way": []}, "beside_the_point": {"zzz": ""}})
            assert alone.reason(" ".join(words), arrived=True) == group["reason"], phrase
