"""How the sides of a card look: real homes in grey and orange, made ones in blue; dashes and markers for print."""

from wattflock.report.palette import INK, Look

LOOKS = {
    "training": Look("real, training", "#6b7280", "o", "circle", "-", "solid"),
    "held_out": Look("real, held out", "#e69f00", "s", "square", "--", "dash"),
    "synthetic": Look("synthetic", "#0072b2", "D", "diamond", "-", "solid"),
    "reverse": Look("trained on real, tested on synthetic", "#009e73", "^", "triangle-up", ":", "dot"),
    "all_real": Look("all real (band: ± 10 %)", "#5d4037", "v", "triangle-down", "-.", "dashdot"),
    "bar": Look("the bar", INK, "_", "line-ew-open", ":", "dot"),
}
WIDTHS = {"training": 1.8, "held_out": 2.0, "synthetic": 2.2}
SHARES = ("#eef3f7", "#9cc9e6", "#0072b2", "#00263f")  # few to many, also in grey
