"""Games with known answers, each with its source; numbers are exact fractions as in a file."""

TALMUD = "Aumann & Maschler 1985, Game theoretic analysis of a bankruptcy problem from the Talmud"
GAMES = [
    {
        "name": "airport", "source": "Littlechild & Owen 1973: cost shares of Shapley 3, 17/3, 73/6, 115/6",
        "rule": {"kind": "airport_savings", "costs": [12, 20, 33, 40]},
        "shapley": ["9", "43/3", "125/6", "125/6"], "nucleolus": ["6", "13", "23", "23"],
        "least_core_epsilon": "-6",
    },
    {
        "name": "one left glove", "source": "Shapley & Shubik 1969: the scarce side takes all in the core",
        "rule": {"kind": "glove", "left": [0], "right": [1, 2]},
        "shapley": ["2/3", "1/6", "1/6"], "nucleolus": ["1", "0", "0"], "least_core_epsilon": "0",
    },
    {
        "name": "two left gloves", "source": "Shapley & Shubik 1969",
        "rule": {"kind": "glove", "left": [0, 1], "right": [2, 3, 4]},
        "shapley": ["13/20", "13/20", "7/30", "7/30", "7/30"], "nucleolus": ["1", "1", "0", "0", "0"],
        "least_core_epsilon": "0",
    },
    {
        "name": "Talmud 100", "source": TALMUD,
        "rule": {"kind": "bankruptcy", "estate": 100, "claims": [100, 200, 300]},
        "shapley": ["100/3", "100/3", "100/3"], "nucleolus": ["100/3", "100/3", "100/3"],
        "least_core_epsilon": "-100/3",
    },
    {
        "name": "Talmud 200", "source": TALMUD,
        "rule": {"kind": "bankruptcy", "estate": 200, "claims": [100, 200, 300]},
        "shapley": ["100/3", "250/3", "250/3"], "nucleolus": ["50", "75", "75"], "least_core_epsilon": "-50",
    },
    {
        "name": "Talmud 300", "source": TALMUD,
        "rule": {"kind": "bankruptcy", "estate": 300, "claims": [100, 200, 300]},
        "shapley": ["50", "100", "150"], "nucleolus": ["50", "100", "150"], "least_core_epsilon": "-50",
    },
    {
        "name": "houses", "source": "Shapley & Shubik 1971: three sellers, three buyers, v(N) = 16",
        "rule": {
            "kind": "assignment", "matrix": [[5, 8, 2], [7, 9, 6], [2, 3, 0]],
            "rows": [0, 1, 2], "columns": [3, 4, 5],
        },
        "shapley": ["199/60", "68/15", "11/15", "11/5", "239/60", "37/30"],
        "nucleolus": ["4", "17/3", "1/3", "5/3", "4", "1/3"], "least_core_epsilon": "0",
    },
    {
        "name": "EEC 1958", "source": "Council of the EEC 1958; Luxembourg has no power: Felsenthal & Machover 1998",
        "quota": 12, "weights": [4, 4, 4, 2, 2, 1],
        "shapley": ["7/30", "7/30", "7/30", "3/20", "3/20", "0"],
        "nucleolus": ["1/4", "1/4", "1/4", "1/8", "1/8", "0"],
        "banzhaf": ["5/16", "5/16", "5/16", "3/16", "3/16", "0"], "least_core_epsilon": "1/4",
    },
    {
        "name": "majority", "source": "textbook: empty core",
        "rule": {"kind": "weighted_voting", "quota": 2, "weights": [1, 1, 1]},
        "shapley": ["1/3", "1/3", "1/3"], "nucleolus": ["1/3", "1/3", "1/3"],
        "banzhaf": ["1/2", "1/2", "1/2"], "least_core_epsilon": "1/3",
    },
    {
        "name": "spanning tree", "source": "rule of Bird 1976",
        "rule": {
            "kind": "mcst_savings",
            "cost_matrix_source_first": [[0, 10, 14, 20], [10, 0, 6, 9], [14, 6, 0, 5], [20, 9, 5, 0]],
        },
        "shapley": ["35/6", "47/6", "28/3"], "nucleolus": ["4", "8", "11"], "least_core_epsilon": "-4",
    },
    {
        "name": "investment fund", "source": "Lemaire 1991, Astin Bulletin 21",
        "values": ["46125", "34875/2", "138375/2", "11625/2", "107625/2", "30750", "90000"],
        "shapley": ["51750", "25875", "12375"], "nucleolus": ["105375/2", "97875/4", "51375/4"],
        "least_core_epsilon": "-13125/2",
    },
    {
        "name": "a singleton below zero", "source": "T. Ferguson, Game theory, part IV, v({1}) = -1",
        "values": ["-1", "0", "3", "1", "4", "2", "5"],
        "shapley": ["5/3", "7/6", "13/6"], "nucleolus": ["8/3", "2/3", "5/3"], "least_core_epsilon": "-1/3",
    },
]  # fmt: skip
