"""What MATLAB's layers compute, from the equations, in NumPy float64 and MATLAB's layout.

Nothing here imports matbridge: these are the oracles that it is judged against. Arrays are
as MATLAB keeps them: images H×W×C×N, sequences C×N×T, features C×N. Loops are plain on
purpose; sizes in tests are small.
"""
