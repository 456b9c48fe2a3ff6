"""What columns and registers are called, in the languages of meter files, and which quantity that is."""

import itertools
import re

from wattflock.data.units import plain


def _tuple(text: str) -> tuple[str, ...]:
    return tuple(text.split())


def _set(text: str) -> frozenset[str]:
    return frozenset(text.split())


TIME = _tuple("""
    time timestamp datetime date_time date tstp step_start start localtime local_time from valid_from
    interval_start start_time hour_start zeitstempel datum datum_uhrzeit zeit horodate fecha fecha_hora data
    data_ora dato tid tidspunkt fra von van debut day reading_date last_changed last_updated utc_timestamp
    time_utc local_15min localminute usage_date unix epoch
""")  # the best first
HOME = _tuple("""
    home household house id meter customer lclid dataid user building home_id house_id household_id cups ean
    ean_code mpan mprn meter_id meter_number pod nmi prm pdl identifiant_prm metering_point meteringpoint
    meteringpointid metering_point_id site apartment zahler zahlpunkt entity_id statistic_id customer_id site_id
    maalepunkt anlage consumer ident logement malepunkt_id malepunktsid meteringpointgsrn gsrn
    esiid contrat
""")  # the best first
KWP = _tuple("""
    kwp kw_peak pv_kwp generator_capacity
""")  # size of a panel
START = _set("""
    start from von van debut begin fra inizio desde valid_from
""")  # the beginning of a step
END = _set("""
    end ende fin to tot bis einde til fine hasta until ending valid
""")  # the end of a step
CLOCK = _set("""
    hour hora ora heure stunde uur time zeit uhrzeit tijd tijdstip klokkeslett he period interval hr tid
    tidspunkt hourending hour_ending
""")  # the clock or the number of a step, beside a date
REGISTER = _set("""
    register kind type channel direction category obis phase tariff flow quantity variable measure stream
    read_type reading_type registre richting richtung suffix measurement
""")  # a column that names registers
UNIT = _set("""
    unit units uom einheit eenheid unite unidad unita enhet unit_of_measurement maleenhed maleenhet unit_type unittype
    consumptionunit consumption_unit
""")  # a column that names units
ROLES = {  # the first whose words a name has, of one or two words
    "other": _set("""
        gas water wasser eau cost costs kosten cout coste costo kostnad bill amount standing humidity feuchte
        wind pressure rain precipitation cloud clouds snow voltage volt volts ampere amps frequency hz pf
        reactive kvar kvarh var varh blind soc quality status flag interpolated month year week weekday weekend
        latitude longitude dew ghi dni dhi irradiance radiation tax vat selfconsumption autoconsumo
        eigenverbrauch autoconsommation zelfverbruik self_consumption postcode zip occupants visibility ozone
        leistungsfaktor apparent reactiva reactive_energy index battery batterie soh discharge charged charging
        max min maximum minimum std count estimated notes m3 kwp q1 k1 m³ idx rssi
    """),
    "outdoor": _set("""
        outdoor temperature temp air_temperature t_out temperatur temperatura aussentemperatur
    """),
    "carbon": _set("""
        carbon co2 intensity
    """),
    "export_price": _set("""
        export_price feed_in_tariff sell_price
    """),
    "import_price": _set("""
        import_price price tariff preis prix prijs precio prezzo pris rate buy_price
    """),
    "export": _set("""
        export exported returned return injection injectie injecte injected feedin feed_in einspeisung
        teruglevering teruggeleverd surplus excedente vertido immessa immissione received to_grid aminus
        lieferung sold b1 b2 invoeding vertida retur rückspeisung ruckspeisung outgoing eingespeist injectee
    """),
    "pv": _set("""
        pv solar generation gen production produccion productie opwek erzeugung produzione prodn inverter yield
        photovoltaic gg produktion produksjon generated sun solar2 produced producida prodotta produite produziert
    """),
    "import": _set("""
        import imported bezug afname soutirage prelievo prelevata delivered from_grid netzbezug aplus withdrawal
        incoming e1 e2 purchased bezogen gc cl imp grid_consumption grid_usage grid_use consumption_grid
    """),
    "heat": _set("""
        heat heating
    """),
    "load": _set("""
        load consumption consumo consommation conso verbrauch verbruik forbruk forbrukning forbrug usage use
        used demand energy energie energia energi electricity strom stroom power leistung puissance value valeur
        valor wert volume kwh wh total attiva ae last state household quantity kvantitet maengde mangde mangd
        menge hoeveelheid cantidad quantite mains consumed consumida consumata consommee verbraucht verbruikt
    """),
    "grid": _set("""
        net grid netto saldo netz
    """),
}
PART = _set("""
    low normal high peak offpeak off day night dag nacht laag hoog t1 t2 t3 ht nt hp hc f1 f2 f3 l1 l2 l3 phase
    fase 1 2 3 tariff tarif tarief rate tag p1 p2 p3 shoulder leg leg1 leg2 181 182 281 282 hphc solar2 e1 e2 cl
    gc
""")  # of one of several registers, whose sum is the quantity
PRICED = _set("""
    tariff tarif tarief rate
""")  # a price, or the register of a tariff
LEGS = _set("""
    leg leg1 leg2 l1 l2 l3 phase fase t1 t2 ht nt hp hc peak offpeak
""")  # enough to be a part of the load
SUBMETER = _set("""
    dishwasher fridge freezer refrigerator washing washer dryer oven ev car charger air1 air2 air3 furnace
    furnace1 furnace2 kitchen light lights microwave pool boiler heatpump pump heater waterheater waterheater1
    dishwasher1 clotheswasher clotheswasher1 drye1 range range1 garage bedroom livingroom bathroom machine
    computer office circulation car1 refrigerator1 oven1 appliance sub_metering_1 sub_metering_2 sub_metering_3
    metering hvac barn well wine cellar
""")  # what is drawn within a home
UNITS = _set("""
    kwhs whs kwh wh kw w mwh mw degc degf c f per eur gbp usd p ct pence in of the
""")  # say nothing of what a column is
SPELLED = (
    (r"\bmains?[ _]([abc123])\b", "mains phase"),
    (r"\b(\d)\.(\d)\.(\d)\b", r"\1\2\3"),
    (r"\ba\s*\+", " aplus "),
    (r"\ba\s*-(?=\W|$)", " aminus "),
    (r"\b(off|feed|self)[-_ ](peak|in|consumption)\b", r"\1\2"),
    (r"\b(tariff?|tarief|t)[_ ](\d)\b", r"t\2"),
)


def tokens(name: str) -> list[str]:
    """The words of a name in small letters without accents and units; `1.8.1` is 181, `A+` aplus."""
    short = re.sub(r"(?<=[a-z]{2})(?=[A-Z][a-z])", " ", name)
    text = plain(short)
    for wrong, right in SPELLED:
        text = re.sub(wrong, right, text)
    words = re.findall(r"[a-z0-9]+", text.replace("_", " "))
    return [word for word in words if word not in UNITS] or words


def utc_in(name: str) -> int | None:
    """Minutes that a clock is ahead of UTC by a column's name: 0 of `time_utc`, 60 of `UTC+1`; None of other names."""
    if not {"utc", "gmt"} & {*tokens(name)}:
        return None
    found = re.search(r"(?i)(?:utc|gmt)\s?([+-])\s?([01]?\d)(?::?(\d{2}))?(?!\d)", name)
    minutes = 60 * int(found[2]) + int(found[3] or 0) if found else 0
    return -minutes if found and found[1] == "-" else minutes


def role_of(name: str) -> tuple[str, str]:
    """What a column or register is by its words (a role, or empty), and the words that say nothing of it."""
    words = tokens(name)
    code = next((word for word in words if re.fullmatch(r"[12]8[0-9]", word)), "")
    if code:
        return ("import" if code[0] == "1" else "export"), " ".join(word for word in words if word != code)
    said = {*words, *(f"{a}_{b}" for a, b in itertools.pairwise(words))}
    if {"tariff", "tarif", "tarief"} & said and said & (PART - PRICED) and not said & ROLES["export"]:
        return "import", ""
    if said & SUBMETER and not said & (ROLES["other"] | {"grid", "mains", "total"}):
        return "submeter", " ".join(words)
    for role, known in ROLES.items():
        if said & known:
            plain = known | PART | ROLES["load"] | ROLES["grid"] | ROLES["import"]
            return role, " ".join(word for word in words if word not in plain)
    return ("part", "") if said & LEGS and PART.issuperset(words) else ("", " ".join(words))


def is_part(name: str) -> bool:
    """Whether a name is that of one of several registers or phases."""
    words = set(tokens(name))
    return bool(words & PART) and not words & {"total", "sum", "all", "totaal", "gesamt", "180", "280"}
