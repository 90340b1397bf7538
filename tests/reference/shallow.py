"""The functions of shallow networks, from MATLAB's documentation. Columns are samples."""

import numpy as np

# -- transfer functions: n is S×Q -----------------------------------------------------------


def compet(n):
    """1 at the first maximum of each column; a column with NaN is all NaN."""
    a = np.zeros(n.shape)
    for q in range(n.shape[1]):
        if np.isnan(n[:, q]).any():
            a[:, q] = np.nan
        else:
            a[list(n[:, q]).index(max(n[:, q])), q] = 1
    return a


def elliotsig(n):
    return n / (1 + abs(n))


def elliot2sig(n):
    return np.sign(n) * n**2 / (1 + n**2)


def hardlim(n):
    return np.where(np.isnan(n), np.nan, n >= 0)


def hardlims(n):
    return 2 * hardlim(n) - 1


def logsig(n):
    return 1 / (1 + np.exp(-n))


def netinv(n):
    return 1 / n


def poslin(n):
    return np.where(n < 0, 0, n)


def purelin(n):
    return n


def radbas(n):
    return np.exp(-(n**2))


def radbasn(n):
    return radbas(n) / radbas(n).sum(0)


def satlin(n):
    return np.where(n < 0, 0, np.where(n > 1, 1, n))


def satlins(n):
    return np.where(n < -1, -1, np.where(n > 1, 1, n))


def softmax(n):
    e = np.exp(n - n.max(0))
    total = e.sum(0)
    return e / np.where(total == 0, 1, total)


def tansig(n):
    return 2 / (1 + np.exp(-2 * n)) - 1


def tribas(n):
    return np.where(np.isnan(n), np.nan, np.where(abs(n) <= 1, 1 - abs(n), 0))


TRANSFER = {
    function.__name__: function
    for function in (
        *(compet, elliotsig, elliot2sig, hardlim, hardlims, logsig, netinv, poslin, purelin),
        *(radbas, radbasn, satlin, satlins, softmax, tansig, tribas),
    )
}

# -- weight functions: w is S×R, p R×Q ------------------------------------------------------


def dotprod(w, p):
    return w @ p


def columns(function):
    """A weight function from one of a row and a column."""

    def weigh(w, p):
        return np.array([[function(row, column) for column in p.T] for row in w]).reshape(
            len(w), p.shape[1]
        )

    return weigh


dist = columns(lambda w, p: np.sqrt(((w - p) ** 2).sum()))
negdist = columns(lambda w, p: -np.sqrt(((w - p) ** 2).sum()))
mandist = columns(lambda w, p: abs(w - p).sum())
boxdist = columns(lambda w, p: abs(w - p).max())


def normprod(w, p):
    return w @ p / abs(p).sum(0)


def scalprod(w, p):
    return w.item() * p


def convwf(w, p):
    """w is M×1: R - M + 1 rows of it beside as many places of p."""
    w = w.ravel()
    rows = len(p) - len(w) + 1
    return np.array([w @ p[i : i + len(w)] for i in range(rows)])


WEIGHTING = {
    "dotprod": dotprod,
    "dist": dist,
    "negdist": negdist,
    "mandist": mandist,
    "boxdist": boxdist,
    "normprod": normprod,
    "scalprod": scalprod,
    "convwf": convwf,
}

# -- net input functions: each z and the bias -----------------------------------------------


def netsum(*z):
    n = z[0]
    for other in z[1:]:
        n = n + other
    return n


def netprod(*z):
    n = z[0]
    for other in z[1:]:
        n = n * other
    return n


NET_INPUT = {"netsum": netsum, "netprod": netprod}

# -- processing: settings by MATLAB's names, x is xrows×Q -------------------------------------


def column(value):
    return np.asarray(value, float).reshape(-1, 1)


def passing(settings, low, high):
    """Rows that mapminmax lets pass."""
    return ~np.isfinite(low) | ~np.isfinite(high) | (low == high)


def mapminmax_apply(x, settings):
    ymin = column(settings["ymin"])
    if "gain" in settings and "xmin" not in settings:
        return (x - column(settings["xoffset"])) * column(settings["gain"]) + ymin
    low, high = column(settings["xmin"]), column(settings["xmax"])
    with np.errstate(all="ignore"):
        gain = (column(settings["ymax"]) - ymin) / (high - low)
        return np.where(passing(settings, low, high), x, (x - low) * gain + ymin)


def mapminmax_reverse(y, settings):
    ymin = column(settings["ymin"])
    if "gain" in settings and "xmin" not in settings:
        return (y - ymin) / column(settings["gain"]) + column(settings["xoffset"])
    low, high = column(settings["xmin"]), column(settings["xmax"])
    with np.errstate(all="ignore"):
        gain = (column(settings["ymax"]) - ymin) / (high - low)
        return np.where(passing(settings, low, high), y, (y - ymin) / gain + low)


def mapstd_apply(x, settings):
    mean, deviation = column(settings["xmean"]), column(settings["xstd"])
    with np.errstate(all="ignore"):
        y = (x - mean) * (column(settings["ystd"]) / deviation) + column(settings["ymean"])
    return np.where((deviation == 0) | ~np.isfinite(deviation), x, y)


def mapstd_reverse(y, settings):
    mean, deviation = column(settings["xmean"]), column(settings["xstd"])
    with np.errstate(all="ignore"):
        x = (y - column(settings["ymean"])) / (column(settings["ystd"]) / deviation) + mean
    return np.where((deviation == 0) | ~np.isfinite(deviation), y, x)


def rows(numbers):
    """MATLAB's numbers of rows, from 0."""
    return np.asarray(numbers, int).ravel() - 1


def removeconstantrows_apply(x, settings):
    return x[rows(settings["keep"])]


def removeconstantrows_reverse(y, settings):
    keep, remove = rows(settings["keep"]), rows(settings["remove"])
    x = np.full((len(keep) + len(remove), y.shape[1]), np.nan)
    x[keep] = y
    x[remove] = column(settings["constants"])
    return x


def removerows_apply(x, settings):
    return np.delete(x, rows(settings["ind"]), 0)


def removerows_reverse(y, settings):
    remove = rows(settings["ind"])
    x = np.full((len(y) + len(remove), y.shape[1]), np.nan)
    x[np.setdiff1d(np.arange(len(x)), remove)] = y
    return x


def processpca_apply(x, settings):
    return settings["transform"] @ x


def processpca_reverse(y, settings):
    return np.linalg.pinv(settings["transform"]) @ y


def fixunknowns_apply(x, settings):
    y = []
    for i, row in enumerate(x):
        if i in rows(settings["unknown"]):
            known = ~np.isnan(row)
            y += [np.where(known, row, np.ravel(settings["xmeans"])[i]), known * 1.0]
        else:
            y.append(row)
    return np.array(y)


def fixunknowns_reverse(y, settings):
    x, at = [], 0
    unknown = set(rows(settings["unknown"]))
    while at < len(y):
        x.append(y[at])
        at += 2 if len(x) - 1 in unknown else 1
    return np.array(x)


def lvqoutputs_apply(x, settings):
    return x


lvqoutputs_reverse = lvqoutputs_apply

APPLY = {
    "mapminmax": mapminmax_apply,
    "mapstd": mapstd_apply,
    "removeconstantrows": removeconstantrows_apply,
    "removerows": removerows_apply,
    "processpca": processpca_apply,
    "fixunknowns": fixunknowns_apply,
    "lvqoutputs": lvqoutputs_apply,
}
REVERSE = {
    "mapminmax": mapminmax_reverse,
    "mapstd": mapstd_reverse,
    "removeconstantrows": removeconstantrows_reverse,
    "removerows": removerows_reverse,
    "processpca": processpca_reverse,
    "fixunknowns": fixunknowns_reverse,
    "lvqoutputs": lvqoutputs_reverse,
}


def changes(settings):
    return not np.any(settings.get("no_change", False))


def apply(x, steps):
    """Processing in the saved order; ``steps`` are (function, settings)."""
    for name, settings in steps:
        x = APPLY[name](x, settings) if changes(settings) else x
    return x


def reverse(y, steps):
    """The inverse, last to first."""
    for name, settings in reversed(steps):
        y = REVERSE[name](y, settings) if changes(settings) else y
    return y
