"""The result as one HTML file without outside references."""
import html
import math

from . import table

STYLE = """
:root { color-scheme: light dark; --ink: #1c2128; --soft: #667080; --line: #d8dde4; --paper: #ffffff; --a: #2563b0; --b: #b4581a; --good: #e8f3ea; }
@media (prefers-color-scheme: dark) { :root { --ink: #e6e9ee; --soft: #98a2b0; --line: #353c47; --paper: #15181d; --a: #6ea8f0; --b: #f0a060; --good: #1c2a20; } }
body { font: 15px/1.5 system-ui, sans-serif; color: var(--ink); background: var(--paper); margin: 2rem auto; max-width: 72rem; padding: 0 1rem; }
h1 { font-size: 1.6rem; margin-bottom: .2rem } h2 { font-size: 1.15rem; margin-top: 2.2rem } p { color: var(--soft); max-width: 60rem }
.wide { overflow-x: auto } table { border-collapse: collapse; font-size: 13px; font-variant-numeric: tabular-nums }
th, td { padding: .2rem .7rem .2rem 0; border-bottom: 1px solid var(--line); text-align: left; white-space: nowrap }
th { color: var(--soft); font-weight: 600 } svg { width: 100%; height: auto; font: 12px system-ui, sans-serif }
text { fill: var(--ink) } .soft { fill: var(--soft) } .grid { stroke: var(--line) } .one { stroke: var(--ink); stroke-width: 1.2 } .ahead { fill: var(--good) }
.p0 { fill: var(--a); stroke: var(--a) } .p1 { fill: var(--b); stroke: var(--b) }
"""

LEFT, RIGHT, ROW, TOP = 210, 24, 19, 34
WIDTH = 1000


def escape(x):
    return html.escape(str(x))


def legend(names, y=14):
    parts, x = [], LEFT
    for k, name in enumerate(names):
        parts.append(f'<circle class="p{k}" cx="{x}" cy="{y - 4}" r="4.5"/><text x="{x + 10}" y="{y}">{escape(name)}</text>')
        x += 30 + 8 * len(name)
    return "".join(parts)


def dot_plot(rows, names, caption):
    """rows: [(label, [(middle, low, high) or None for each name])] on a logarithmic axis around 1."""
    values = [v for _, cells in rows for c in cells if c for v in c]
    if not values:
        return ""
    low, high = min(0.5, min(values)), max(2.0, max(values))
    low, high = 2.0 ** math.floor(math.log2(low)), 2.0 ** math.ceil(math.log2(high))
    scale = (WIDTH - LEFT - RIGHT) / math.log2(high / low)

    def at(v):
        return LEFT + math.log2(min(max(v, low), high) / low) * scale
    height = TOP + ROW * len(rows) + 26
    bottom = height - 22
    parts = [f'<svg viewBox="0 0 {WIDTH} {height}" role="img" aria-label="{escape(caption)}">', legend(names)]
    parts.append(f'<rect class="ahead" x="{at(1):.1f}" y="{TOP - 12}" width="{at(high) - at(1):.1f}" height="{bottom - TOP + 12}"/>')
    tick = low
    while tick <= high * 1.001:
        kind = "one" if tick == 1 else "grid"
        parts.append(f'<line class="{kind}" x1="{at(tick):.1f}" x2="{at(tick):.1f}" y1="{TOP - 12}" y2="{bottom}"/>'
                     f'<text class="soft" text-anchor="middle" x="{at(tick):.1f}" y="{height - 6}">{tick:g}x</text>')
        tick *= 2
    for i, (label, cells) in enumerate(rows):
        y = TOP + ROW * i + 4
        parts.append(f'<text text-anchor="end" x="{LEFT - 12}" y="{y + 4}">{escape(label)}</text>')
        for k, cell in enumerate(cells):
            if not cell:
                continue
            middle, first, third = cell
            title = f"{label}, {names[k]}: {middle:.2f}x [{first:.2f}-{third:.2f}]"
            parts.append(f'<g class="p{k}"><title>{escape(title)}</title><line x1="{at(first):.1f}" x2="{at(third):.1f}" y1="{y}" y2="{y}" stroke-width="2"/>'
                         f'<circle cx="{at(middle):.1f}" cy="{y}" r="4.5"/></g>')
    return "".join(parts) + "</svg>"


def speed_plots(result):
    peers = result["peers"]
    parts = []
    for threads in sorted({r["threads"] for r in result["rows"]}):
        rows = []
        for r in result["rows"]:
            if r["threads"] != threads or not r["ratios"]:
                continue
            cells = [(c["median"], c["q1"], c["q3"]) if (c := r["ratios"].get(p)) else None for p in peers]
            rows.append((r["family"] + " · " + r["name"], cells))
        rows.sort()
        plot = dot_plot(rows, peers, f"Speed of anyrt against each engine, {threads} threads")
        if plot:
            parts.append(f"<h2>Speed against each engine, {threads} thread{'s' if threads > 1 else ''}</h2>"
                         "<p>The peer's time by anyrt's, medians of rounds with quartiles; right of 1x anyrt is faster.</p>" + plot)
    return "".join(parts)


def cost_plot(result, key, title, note):
    """How many times less anyrt takes of something."""
    peers, rows = result["peers"], []
    first = min((r["threads"] for r in result["rows"]), default=1)
    for r in result["rows"]:
        own = r["engines"].get("anyrt", {}).get(key)
        if r["threads"] != first or not own:
            continue
        values = [r["engines"].get(p, {}).get(key) for p in peers]
        rows.append((r["family"] + " · " + r["name"], [(v / own,) * 3 if v else None for v in values]))
    rows.sort()
    plot = dot_plot(rows, peers, title) if rows else ""
    return f"<h2>{escape(title)}</h2><p>{escape(note)}</p>{plot}" if plot else ""


def as_html(result, families):
    machine, versions = result["machine"], result["versions"]
    about = (f"{machine['cpu']}, {machine['processors']} processors, load {machine['load']:.1f} at the start; "
             + ", ".join(f"{n} {v}" for n, v in versions.items())
             + f"; {result['rounds']} rounds, accuracy {result['accuracy']}; {result['date']}")
    body = [f"<h1>anyrt against {escape(' and '.join(result['peers'])) or 'nobody'}</h1><p>{escape(about)}</p>", speed_plots(result)]
    body.append(cost_plot(result, "peak_bytes", "Peak memory", "The peer's peak by anyrt's: right of 1x anyrt needs less."))
    body.append(cost_plot(result, "create_ms", "Session creation", "The peer's time by anyrt's: right of 1x anyrt is faster."))
    body.append(cost_plot(result, "start_ms", "Process start to first result", "The peer's time by anyrt's: right of 1x anyrt is faster."))
    for title, note, header, rows in table.sections(result, families):
        cells = "".join("<tr>" + "".join(f"<td>{escape(c)}</td>" for c in r) + "</tr>" for r in rows)
        head = "".join(f"<th>{escape(h)}</th>" for h in header)
        body.append(f'<h2>{escape(title)}</h2><p>{escape(note)}</p><div class="wide"><table><thead><tr>{head}</tr></thead><tbody>{cells}</tbody></table></div>')
    return ('<!doctype html><html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">'
            f"<title>anyrt benchmark</title><style>{STYLE}</style></head><body>{''.join(body)}</body></html>\n")
