"""The result as text."""
import math

from . import stats


def number(x, digits=3):
    if x is None or (isinstance(x, float) and math.isnan(x)):
        return "-"
    if x == 0 or math.isinf(x):
        return str(x)
    return f"{x:.{max(0, digits - 1 - math.floor(math.log10(abs(x))))}f}" if abs(x) >= 1e-3 else f"{x:.1e}"


def text_table(header, rows):
    rows = [[str(c) for c in r] for r in rows]
    widths = [max(len(r[k]) for r in [header, *rows]) for k in range(len(header))]
    left = {k for k in range(len(header)) if k == 0 or any(r[k] and not r[k][0].isdigit() and r[k] not in "-" for r in rows)}
    def line(r):
        return "  ".join(c.ljust(w) if k in left else c.rjust(w) for k, (c, w) in enumerate(zip(r, widths))).rstrip()
    return "\n".join([line(header), line(["-" * w for w in widths]), *map(line, rows)])


def speed_cell(cell):
    return number(cell["ms"]["median"]) if "ms" in cell else "failed" if "error" in cell else "-"


def ratio_cell(row, peer):
    r = row["ratios"].get(peer)
    if r:
        return f"{r['median']:.2f} [{r['q1']:.2f}-{r['q3']:.2f}]"
    return "loss" if stats.ratio_of(row, peer) == stats.LOSS else "-"


SPEED_HEADER = "model threads anyrt".split()


def speed_row(row, peers):
    best = [f"{row['ratios'][p]['best']:.2f}" if p in row["ratios"] else "-" for p in peers]
    return [row["name"], row["threads"], speed_cell(row["engines"].get("anyrt", {})), *(speed_cell(row["engines"].get(p, {})) for p in peers),
            *(ratio_cell(row, p) for p in peers), *best, number(row["engines"].get("anyrt", {}).get("difference"), 2)]


def speed_header(peers):
    return ["model", "thr", "anyrt ms", *(f"{p} ms" for p in peers), *(f"x {p}" for p in peers), *(f"best x {p}" for p in peers), "diff"]


def one_line(row, peers):
    parts = [f"{row['name']:24} t{row['threads']}"]
    for name in ["anyrt", *peers]:
        cell = row["engines"].get(name, {})
        parts.append(f"{name} {speed_cell(cell):>7}" + (" ms" if "ms" in cell else f" ({cell['error'][:160]})" if "error" in cell else ""))
    parts += [f"x{p} {ratio_cell(row, p)} best {row['ratios'][p]['best']:.2f}" for p in peers if p in row["ratios"]]
    if "start_ms" in row["engines"].get("anyrt", {}):
        parts.append("start " + "/".join(number(row["engines"].get(n, {}).get("start_ms")) for n in ["anyrt", *peers]))
    parts.append(f"diff {number(row['engines'].get('anyrt', {}).get('difference'), 2)}")
    return "  ".join(parts)


def sections(result, families):
    """[(title, note, header, rows)] of the whole result, shared by text, Markdown and HTML."""
    rows, peers = result["rows"], result["peers"]
    out = [("Latency", "Medians of rounds; x = the peer's time by anyrt's in the same round, median [quartiles]; best x = from the least times; "
            "diff = anyrt's largest difference from the strict reference, by the output's largest magnitude.", speed_header(peers),
            [speed_row(r, peers) for r in rows])]
    means = stats.family_means(rows, peers, families)
    table = []
    for (threads, family), cells in means.items():
        table.append([family, threads, *(f"{cells[p]['mean']:.2f} ({cells[p]['models']} models, {cells[p]['losses']} slower)" if p in cells else "-" for p in peers)])
    out.append(("Geometric means", f"Of the ratios above; a model that anyrt does not run counts {stats.LOSS}.", ["family", "thr", *(f"x {p}" for p in peers)], table))
    worst = []
    for r in rows:
        found = stats.against_faster_peer(r, peers)
        if found and r["family"] != "int8":
            worst.append((found[0], [r["name"], r["threads"], found[1], f"{found[0]:.2f}"]))
    worst.sort(key=lambda w: w[0])
    out.append(("Worst models against the faster peer", "", ["model", "thr", "peer", "x"], [w[1] for w in worst[:12]]))
    starts = []
    for r in rows:
        cells = [r["engines"].get(n, {}) for n in ["anyrt", *peers]]
        if any("start_ms" in c for c in cells):
            starts.append([r["name"], r["threads"], *("/".join(number(c.get(k)) for c in cells) for k in ("start_ms", "create_ms")),
                           "/".join(number(c["peak_bytes"] / 2**20) if "peak_bytes" in c else "-" for c in cells), number(r["bytes"] / 2**20)])
    if starts:
        names = "/".join(["anyrt", *peers])
        out.append(("Start and memory", f"Fresh processes, medians: {names}. Peak is VmHWM after the first result.",
                    ["model", "thr", "start to first result ms", "session creation ms", "peak MiB", "file MiB"], starts))
        summary = []
        for threads in sorted({r["threads"] for r in rows}):
            for title, key in (("process start to first result", "start_ms"), ("session creation", "create_ms"), ("peak memory", "peak_bytes")):
                line = [title, threads]
                for p in peers:
                    v = [r["engines"]["anyrt"][key] / r["engines"][p][key] for r in rows
                         if r["threads"] == threads and r["engines"].get("anyrt", {}).get(key) and r["engines"].get(p, {}).get(key)]
                    line.append(f"{stats.geometric_mean(v):.3f} (worst {max(v):.3f})" if v else "-")
                if any(c != "-" for c in line[2:]):
                    summary.append(line)
        out.append(("Start and memory, anyrt by peer", "Geometric mean over the models; below 1 is less than the peer.",
                    ["measure", "thr", *(f"/ {p}" for p in peers)], summary))
    drift = []
    for r in rows:
        if any("difference" in r["engines"].get(n, {}) for n in ["anyrt", *peers]):
            drift.append([r["name"], r["threads"], *(number(r["engines"].get(n, {}).get("difference"), 2) for n in ["anyrt", *peers]), r["reference"]])
    out.append(("Largest output difference from the strict reference", "By the largest magnitude of the output; the share of unequal elements for integers.",
                ["model", "thr", "anyrt", *peers, "reference"], drift))
    failed = [[r["name"], r["threads"], n, c["error"][:300]] for r in rows for n, c in r["engines"].items() if "error" in c]
    if failed:
        out.append(("Failures", "", ["model", "thr", "engine", "why"], failed))
    return out


def as_text(result, families):
    parts = []
    for title, note, header, rows in sections(result, families):
        parts.append(f"== {title}" + (f"\n{note}" if note else "") + "\n\n" + text_table(header, rows))
    return "\n\n".join(parts) + "\n"


def as_markdown(result, families):
    parts = []
    for title, note, header, rows in sections(result, families):
        lines = [f"## {title}", ""] + ([note, ""] if note else [])
        lines += ["| " + " | ".join(map(str, r)) + " |" for r in [header, ["---"] * len(header), *rows]]
        parts.append("\n".join(lines))
    return "\n\n".join(parts) + "\n"
