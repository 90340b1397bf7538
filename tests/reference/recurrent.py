"""Recurrent layers, step by step. x is C×N×T; results H×N×T and the last states H×N."""

import numpy as np


def sigmoid(x):
    return 1 / (1 + np.exp(-x))


def hard_sigmoid(x):
    """0 below -2.5, 1 above 2.5, 0.2x + 0.5 between (lstmLayer's documentation)."""
    return np.where(x < -2.5, 0.0, np.where(x > 2.5, 1.0, 0.2 * x + 0.5))


def softsign(x):
    return x / (1 + np.abs(x))


def relu(x):
    return np.maximum(x, 0)


ACTIVATIONS = {
    "tanh": np.tanh,
    "softsign": softsign,
    "relu": relu,
    "sigmoid": sigmoid,
    "hard-sigmoid": hard_sigmoid,
}


def lstm(x, W, R, b, h=None, c=None, state="tanh", gate="sigmoid", P=None):
    """Rows i, f, g, o; c = f·c + i·g, h = o·s(c). Peephole weights P have rows i, f, o."""
    s, σ = ACTIVATIONS[state], ACTIVATIONS[gate]
    H, N, T = R.shape[1], x.shape[1], x.shape[2]
    h = np.zeros((H, N)) if h is None else h * np.ones((1, N))
    c = np.zeros((H, N)) if c is None else c * np.ones((1, N))
    pi, pf, po = np.zeros((3 * H, 1)).reshape(3, H, 1) if P is None else P.reshape(3, H, 1)
    y = np.zeros((H, N, T))
    for t in range(T):
        z = W @ x[:, :, t] + R @ h + b.reshape(-1, 1)
        i, f, g = σ(z[:H] + pi * c), σ(z[H : 2 * H] + pf * c), s(z[2 * H : 3 * H])
        c = f * c + i * g
        h = σ(z[3 * H :] + po * c) * s(c)
        y[:, :, t] = h
    return y, h, c


def bilstm(x, W, R, b, h=None, c=None, state="tanh", gate="sigmoid"):
    """Rows of the forward direction, then of the backward one; channels likewise."""
    H, G = R.shape[1], R.shape[0] // 2
    parts = []
    for k in range(2):
        rows, half = slice(k * G, (k + 1) * G), slice(k * H, (k + 1) * H)
        seen = x[:, :, ::-1] if k else x
        y, hk, ck = lstm(
            seen,
            W[rows],
            R[rows],
            b.reshape(-1)[rows],
            None if h is None else h[half],
            None if c is None else c[half],
            state,
            gate,
        )
        parts.append((y[:, :, ::-1] if k else y, hk, ck))
    return tuple(np.concatenate([first, second]) for first, second in zip(*parts, strict=True))


def gru(x, W, R, b, h=None, mode="after-multiplication", state="tanh", gate="sigmoid"):
    """Rows r, z, candidate; h = (1 - z)·candidate + z·h."""
    s, σ = ACTIVATIONS[state], ACTIVATIONS[gate]
    H, N, T = R.shape[1], x.shape[1], x.shape[2]
    h = np.zeros((H, N)) if h is None else h * np.ones((1, N))
    b = b.reshape(-1, 1)
    bW, bR = (b[: 3 * H], b[3 * H :]) if len(b) == 6 * H else (b, np.zeros((3 * H, 1)))
    Wr, Wz, Wh = W[:H], W[H : 2 * H], W[2 * H :]
    Rr, Rz, Rh = R[:H], R[H : 2 * H], R[2 * H :]
    y = np.zeros((H, N, T))
    for t in range(T):
        u = x[:, :, t]
        r = σ(Wr @ u + bW[:H] + Rr @ h + bR[:H])
        z = σ(Wz @ u + bW[H : 2 * H] + Rz @ h + bR[H : 2 * H])
        if mode == "before-multiplication":
            candidate = s(Wh @ u + bW[2 * H :] + Rh @ (r * h))
        else:
            candidate = s(Wh @ u + bW[2 * H :] + r * (Rh @ h + bR[2 * H :]))
        h = (1 - z) * candidate + z * h
        y[:, :, t] = h
    return y, h


def lstm_projected(x, W, R, b, Qi, Qo, **options):
    """W·(Qi'·x) and R·(Qo'·h) in place of W·x and R·h."""
    return lstm(x, W @ Qi.T, R @ Qo.T, b, **options)


def gru_projected(x, W, R, b, Qi, Qo, **options):
    """W·(Qi'·x) and R·(Qo'·h) in place of W·x and R·h."""
    return gru(x, W @ Qi.T, R @ Qo.T, b, **options)
