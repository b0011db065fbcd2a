"""Exact money: an integer count of a currency's minor units, never a float.

The number of decimals of a currency is ISO 4217's "minor unit" (list one, 2026-01): two, unless listed here.
"""

import re
from typing import Final

# ISO 4217 list one: currencies whose minor unit is not 2.
_EXPONENTS: Final = {
    **dict.fromkeys(
        (
            "BIF",
            "CLP",
            "DJF",
            "GNF",
            "ISK",
            "JPY",
            "KMF",
            "KRW",
            "PYG",
            "RWF",
            "UGX",
            "UYI",
            "VND",
            "VUV",
            "XAF",
            "XOF",
            "XPF",
        ),
        0,
    ),
    **dict.fromkeys(("BHD", "IQD", "JOD", "KWD", "LYD", "OMR", "TND"), 3),
    "CLF": 4,
    "UYW": 4,
}


# ISO 4217 list one: the currencies of countries and unions; no funds codes, metals or test codes.
_CODES: Final = frozenset(re.findall("[A-Z]{3}", """
    AED AFN ALL AMD AOA ARS AUD AWG AZN BAM BBD BDT BHD BIF BMD BND BOB BRL BSD BTN BWP BYN BZD CAD CDF CHF CLF CLP
    CNY COP CRC CUP CVE CZK DJF DKK DOP DZD EGP ERN ETB EUR FJD FKP GBP GEL GHS GIP GMD GNF GTQ GYD HKD HNL HTG HUF
    IDR ILS INR IQD IRR ISK JMD JOD JPY KES KGS KHR KMF KPW KRW KWD KYD KZT LAK LBP LKR LRD LSL LYD MAD MDL MGA MKD
    MMK MNT MOP MRU MUR MVR MWK MXN MYR MZN NAD NGN NIO NOK NPR NZD OMR PAB PEN PGK PHP PKR PLN PYG QAR RON RSD RUB
    RWF SAR SBD SCR SDG SEK SGD SHP SLE SOS SRD SSP STN SVC SYP SZL THB TJS TMT TND TOP TRY TTD TWD TZS UAH UGX USD
    UYI UYU UYW UZS VED VES VND VUV WST XAF XCD XCG XOF XPF YER ZAR ZMW ZWG
"""))  # fmt: skip


def exponent(currency: str) -> int:
    """Decimals of an ISO 4217 currency: `exponent("CNY")` is 2, `exponent("JPY")` is 0."""
    return _EXPONENTS.get(currency, 2)


def is_currency(code: str) -> bool:
    """Whether `code` is an ISO 4217 alphabetic code of a currency in use."""
    return code in _CODES


def written(amount: int, currency: str) -> str:
    """Write minor units for people: `written(-123456, "CNY")` is `-1,234.56 CNY`."""
    places = exponent(currency)
    sign = "-" if amount < 0 else ""
    whole, part = divmod(abs(amount), 10**places)
    return f"{sign}{whole:,}.{part:0{places}d} {currency}" if places else f"{sign}{whole:,} {currency}"


def decimal(amount: int, currency: str) -> str:
    """Write minor units as a plain decimal, as other programs read it: `decimal(-123456, "CNY")` is `-1234.56`."""
    places = exponent(currency)
    sign = "-" if amount < 0 else ""
    whole, part = divmod(abs(amount), 10**places)
    return f"{sign}{whole}.{part:0{places}d}" if places else f"{sign}{whole}"


def parse(text: str, currency: str) -> int:
    """Read a plain decimal (`"144.00"`) as minor units.

    Raises `ValueError` when it is not a plain decimal or holds more decimals than the currency has (zeros excepted).
    """
    places = exponent(currency)
    sign, digits = (-1, text[1:]) if text.startswith("-") else (1, text)
    whole, point, part = digits.partition(".")
    if not (whole.isascii() and whole.isdigit()) or (point and not (part.isascii() and part.isdigit())):
        raise ValueError(f"{text!r} is not an amount like 12.50")
    if part[places:].strip("0"):
        raise ValueError(f"{text!r} has more decimals than {currency} has ({places})")
    return sign * (int(whole) * 10**places + int(part[:places].ljust(places, "0") or "0"))
