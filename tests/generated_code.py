"""Networks written as MATLAB's genFunction writes them, from the structures of
reference.shallow_network: as cells or matrices, with constants in structs or flat."""

import numpy as np
from reference.shallow_network import delays_of, order_of

# The lines that genFunction adds for each function that a network uses.
MODULES = {
    "mapminmax_apply": (
        "y",
        "x",
        ["gain", "xoffset", "ymin"],
        [
            "y = bsxfun(@minus,x,settings.xoffset);",
            "y = bsxfun(@times,y,settings.gain);",
            "y = bsxfun(@plus,y,settings.ymin);",
        ],
    ),
    "mapminmax_reverse": (
        "x",
        "y",
        ["gain", "xoffset", "ymin"],
        [
            "x = bsxfun(@minus,y,settings.ymin);",
            "x = bsxfun(@rdivide,x,settings.gain);",
            "x = bsxfun(@plus,x,settings.xoffset);",
        ],
    ),
    "removeconstantrows_apply": ("y", "x", ["keep"], ["y = x(settings.keep,:);"]),
    "removeconstantrows_reverse": (
        "x",
        "y",
        ["xrows", "keep", "remove", "constants"],
        [
            "Q = size(y,2);",
            "x = nan(settings.xrows,Q,'like',y);",
            "x(settings.keep,:) = y;",
            "x(settings.remove,:) = repmat(settings.constants,1,Q);",
        ],
    ),
    "tansig_apply": ("a", "n", [], ["a = 2 ./ (1 + exp(-2*n)) - 1;"]),
    "logsig_apply": ("a", "n", [], ["a = 1 ./ (1 + exp(-n));"]),
    "radbas_apply": ("a", "n", [], ["a = exp(-(n.*n));"]),
    "poslin_apply": ("a", "n", [], ["a = max(0,n);", "a(isnan(n)) = nan;"]),
    "softmax_apply": (
        "a",
        "n",
        [],
        [
            "nmax = max(n,[],1);",
            "n = bsxfun(@minus,n,nmax);",
            "numer = exp(n);",
            "denom = sum(numer,1); ",
            "denom(denom == 0) = 1;",
            "a = bsxfun(@rdivide,numer,denom);",
        ],
    ),
}


def number(x):
    return repr(float(x)).replace("inf", "Inf").replace("nan", "NaN")


def matrix(array):
    array = np.atleast_2d(array)
    if array.size == 0:
        return f"zeros({array.shape[0]},{array.shape[1]})"
    if array.size == 1:
        return number(array.item())
    return "[" + ";".join(" ".join(map(number, row)) for row in array) + "]"


class Writer:
    """The text for one structure."""

    def __init__(self, structure, cells=True, flat=False, name="myNeuralNetworkFunction"):
        self.s, self.cells, self.flat, self.name = structure, cells, flat, name
        self.depth = delays_of(structure["input_weights"])
        self.memory = delays_of(structure["layer_weights"])
        self.modules = []

    def use(self, function):
        if function not in self.modules:
            self.modules.append(function)
        return function

    def settings(self, word, steps):
        """x1_step1.gain = ..., or x1_step1_gain."""
        for k, (_, values) in enumerate(steps, 1):
            for title, value in values.items():
                yield f"{word}_step{k}{'_' if self.flat else '.'}{title} = {matrix(value)};"

    def processed(self, text, word, steps, back=False):
        """The calls around a value, the first step innermost, or the last one where reversed."""
        lines, numbered = [], list(enumerate(steps, 1))
        for k, (function, _) in reversed(numbered) if back else numbered:
            call = self.use(f"{function}_{'reverse' if back else 'apply'}")
            wanted = MODULES[call][2] if call in MODULES else []
            given = (
                ",".join(f"{word}_step{k}_{title}" for title in wanted)
                if self.flat
                else f"{word}_step{k}"
            )
            text = f"{call}({text},{given})"
            lines.append(text)
        return text

    def constants(self):
        for j, part in enumerate(self.s["inputs"], 1):
            yield f"% Input {j}"
            yield from self.settings(f"x{j}", part.get("steps", ()))
        for i, layer in enumerate(self.s["layers"], 1):
            yield f"% Layer {i}"
            if layer.get("bias") is not None:
                yield f"b{i} = {matrix(layer['bias'])};"
            for word, weights in (("IW", "input_weights"), ("LW", "layer_weights")):
                for (k, j), weight in sorted(self.s[weights].items()):
                    if k == i:
                        yield f"{word}{i}_{j} = {matrix(weight['array'])};"
        for k, part in enumerate(self.s["outputs"], 1):
            yield f"% Output {k}"
            yield from self.settings(f"y{k}", part.get("steps", ()))

    def tap(self, letter, j, delays):
        """A value some steps ago."""
        deepest = self.depth if letter == "x" else self.memory
        numbers = matrix(np.array(delays)).replace(".0", "")
        if deepest == 0:
            names = {"x": "Xp" if self.cells else "xp", "a": "a"}
            return f"{names[letter]}{j}"
        place = f"mod({letter}dts-{numbers}-1,{deepest + 1})+1"
        if self.cells:
            return f"cat(1,{letter.upper()}d{j}{{{place}}})"
        return f"reshape({letter}d{j}(:,{place}),{len(delays)},1)"

    def layer(self, i):
        layer = self.s["layers"][i - 1]
        rows = f"repmat(b{i},1,Q)" if self.cells or not (self.depth or self.memory) else f"b{i}"
        terms = [rows] if layer.get("bias") is not None else []
        lines = []
        for word, weights, letter in (("IW", "input_weights", "x"), ("LW", "layer_weights", "a")):
            for (k, j), weight in sorted(self.s[weights].items()):
                if k != i:
                    continue
                operand = self.tap(letter, j, weight.get("delays", (0,)))
                if operand.startswith(("cat", "reshape")):
                    lines.append(f"tapdelay{len(lines) + 1} = {operand};")
                    operand = f"tapdelay{len(lines)}"
                function = weight.get("function", "dotprod")
                product = f"{word}{i}_{j}*{operand}"
                if function != "dotprod":
                    product = f"{self.use(function + '_apply')}({word}{i}_{j},{operand})"
                terms.append(product)
        net = (" .* " if layer.get("net_input") == "netprod" else " + ").join(terms)
        transfer = layer.get("transfer", "purelin")
        value = net if transfer == "purelin" else f"{self.use(transfer + '_apply')}({net})"
        return [f"% Layer {i}", *lines, f"{self.place('a', i)} = {value};"]

    def place(self, letter, j):
        """Where the value of this step stands."""
        deepest = self.depth if letter == "x" else self.memory
        if deepest == 0:
            return self.tap(letter, j, (0,))
        return (
            f"{letter.upper()}d{j}{{{letter}dts}}" if self.cells else f"{letter}d{j}(:,{letter}dts)"
        )

    def step(self):
        """One step, or all samples of a static network."""
        if self.depth:
            yield f"xdts = mod(ts+{self.depth - 1},{self.depth + 1})+1;"
        if self.memory:
            yield f"adts = mod(ts+{self.memory - 1},{self.memory + 1})+1;"
        timed = self.depth or self.memory
        for j, part in enumerate(self.s["inputs"], 1):
            raw = f"X{{{j},ts}}" if self.cells else f"x{j}(:,ts)" if timed else f"x{j}"
            yield f"% Input {j}"
            yield f"{self.place('x', j)} = {self.processed(raw, f'x{j}', part.get('steps', ()))};"
        for i in order_of(self.s):
            yield from self.layer(i)
        for k, part in enumerate(self.s["outputs"], 1):
            yield f"% Output {k}"
            source = self.place("a", part["layer"])
            value = self.processed(source, f"y{k}", part.get("steps", ()), back=True)
            timed_result = f"y{k}(:,ts)" if timed else f"y{k}"
            yield f"{f'Y{{{k},ts}}' if self.cells else timed_result} = {value};"

    def starts(self):
        for j, part in enumerate(self.s["inputs"], 1) if self.depth else ():
            raw = f"Xi{{{j},ts}}" if self.cells else f"xi{j}"
            start = self.processed(raw, f"x{j}", part.get("steps", ()))
            if self.cells:
                yield f"Xd{j} = cell(1,{self.depth + 1});"
                yield f"for ts=1:{self.depth}\n    Xd{j}{{ts}} = {start};\nend"
            else:
                yield f"xd{j} = {start};\nxd{j} = [xd{j} zeros(3,1)];"
        for i, layer in enumerate(self.s["layers"], 1) if self.memory else ():
            if self.cells:
                yield f"Ad{i} = [Ai({i},:) cell(1,1)];"
            else:
                yield f"ad{i} = [ai{i} zeros({layer['size']},1)];"

    def final(self):
        d, m = self.depth, self.memory
        if d:
            yield f"finalxts = TS+(1: {d});\nxits = finalxts(finalxts<={d});"
            yield f"xts = finalxts(finalxts>{d})-{d};"
        if m:
            yield f"finalats = TS+(1: {m});\nats = mod(finalats-1,{m + 1})+1;"
        if self.cells:
            yield "Xf = [Xi(:,xits) X(:,xts)];" if d else "Xf = cell(1,0);"
            yield f"Af = cell({len(self.s['layers'])},{m});"
            for i in range(1, len(self.s["layers"]) + 1) if m else ():
                yield f"Af({i},:) = Ad{i}(:,ats);"
        else:
            for j in range(1, len(self.s["inputs"]) + 1) if d else ():
                yield f"xf{j} = [xi{j}(:,xits) x{j}(:,xts)];"
            for i in range(1, len(self.s["layers"]) + 1) if m else ():
                yield f"af{i} = ad{i}(:,ats);"

    def head(self):
        inputs, outputs = (range(1, len(self.s[n]) + 1) for n in ("inputs", "outputs"))
        layers = range(1, len(self.s["layers"]) + 1)
        if self.cells:
            states = f"{'Xi' if self.depth else '~'},{'Ai' if self.memory else '~'}"
            return f"function [Y,Xf,Af] = {self.name}(X,{states})"
        results = [f"y{k}" for k in outputs] + [f"xf{j}" for j in inputs if self.depth]
        results += [f"af{i}" for i in layers if self.memory]
        names = [f"x{j}" for j in inputs] + [f"xi{j}" for j in inputs if self.depth]
        names += [f"ai{i}" for i in layers if self.memory]
        return f"function [{','.join(results)}] = {self.name}({','.join(names)})"

    def sizes(self):
        for j, part in enumerate(self.s["inputs"], 1):
            form = f"Each X{{{j},ts}} = {part['size']}xQ" if self.cells else f"x = {part['size']}xQ"
            yield f"%   {form} matrix, input #{j} at timestep ts."

    def text(self):
        timed = self.cells or self.depth or self.memory
        body = list(self.step())
        lines = [self.head(), f"%{self.name.upper()} neural network simulation function.", "%"]
        lines += [*self.sizes(), "", "%#ok<*RPMT0>", ""]
        lines += ["% ===== NEURAL NETWORK CONSTANTS =====", "", *self.constants(), ""]
        lines += ["% ===== SIMULATION ========", ""]
        if self.cells:
            lines += ["isCellX = iscell(X);", "if ~isCellX, X = {X}; end;", ""]
            if self.depth:
                lines += ["if (nargin < 2), error('Initial input states Xi argument needed.'); end"]
            lines += ["TS = size(X,2); % timesteps", "if ~isempty(X)"]
            lines += ["  Q = size(X{1},2); % samples/series", "else", "  Q = 0;", "end"]
            lines += [*self.starts(), f"Y = cell({len(self.s['outputs'])},TS);"]
        elif timed:
            lines += ["TS = size(x1,2); % timesteps", *self.starts()]
            lines += [f"y{k} = zeros(1,TS);" for k in range(1, len(self.s["outputs"]) + 1)]
        else:
            lines += ["Q = size(x1,2); % samples"]
        lines += ["", "for ts=1:TS", *(f"    {line}" for line in body), "end"] if timed else body
        lines += ["", *self.final(), ""]
        lines += ["if ~isCellX, Y = cell2mat(Y); end"] if self.cells else []
        lines += ["end", "", "% ===== MODULE FUNCTIONS ========", ""]
        for name in self.modules:
            if name in MODULES:
                result, operand, titles, code = MODULES[name]
                flat = ["settings_" + title for title in titles]
                given = ",".join(flat) if self.flat else "settings" if titles else "~"
                code = [
                    line.replace("settings.", "settings_") if self.flat else line for line in code
                ]
                head = f"{operand},{given}" if given else operand
                lines += [f"function {result} = {name}({head})", *code, "end", ""]
        return "\n".join(lines)


def write(structure, cells=True, flat=False, **options):
    return Writer(structure, cells, flat, **options).text()
