"""Numbers about numbers. Plain Python: the unit tests run without any package."""
import math


def quantile(values, q):
    """Linear between neighbours, as numpy's default."""
    v = sorted(values)
    if not v:
        return math.nan
    at = q * (len(v) - 1)
    low = math.floor(at)
    high = min(low + 1, len(v) - 1)
    return v[low] + (v[high] - v[low]) * (at - low)


def median(values):
    return quantile(values, 0.5)


def summary(values):
    return {"median": median(values), "q1": quantile(values, 0.25), "q3": quantile(values, 0.75), "min": min(values),
            "max": max(values), "n": len(values)}


def geometric_mean(values):
    v = list(values)
    return math.exp(sum(math.log(x) for x in v) / len(v)) if v else math.nan


# What a model that anyrt cannot run counts in a mean: ten times slower.
LOSS = 0.1


def ratio_of(row, peer):
    """Peer's time by anyrt's in one line of the table: None where the peer has no time, LOSS where only anyrt has none."""
    times = row["engines"]
    if "ms" not in times.get(peer, {}):
        return None
    if "ms" not in times.get("anyrt", {}):
        return LOSS
    return row["ratios"][peer]["median"]


def family_means(rows, peers, families):
    """{(threads, family): {peer: {"mean", "models", "losses"}}}; family "all f32" leaves int8 out."""
    out = {}
    for threads in sorted({r["threads"] for r in rows}):
        for family in ["all f32", *families]:
            mine = [r for r in rows if r["threads"] == threads and (r["family"] == family or (family == "all f32" and r["family"] != "int8"))]
            cells = {}
            for peer in peers:
                ratios = [x for x in (ratio_of(r, peer) for r in mine) if x is not None]
                if ratios:
                    cells[peer] = {"mean": geometric_mean(ratios), "models": len(ratios), "losses": sum(x < 1 for x in ratios)}
            if cells:
                out[threads, family] = cells
    return out


def against_faster_peer(row, peers):
    """(ratio to the faster peer, its name), or None where no peer has a time."""
    times = [(row["engines"][p]["ms"]["median"], p) for p in peers if "ms" in row["engines"].get(p, {})]
    if not times:
        return None
    peer = min(times)[1]
    return ratio_of(row, peer), peer


def compare(old, new, tolerance):
    """Lines of two results whose time, start or memory of anyrt differs by more than the tolerance, which is a fraction
    added to the spread that both runs saw. Times are compared through the ratio to a peer where both have one, since
    machines differ; [(name, threads, what, old, new, verdict)]."""
    found = []
    before = {(r["name"], r["threads"]): r for r in old["rows"]}
    for row in new["rows"]:
        key = row["name"], row["threads"]
        was = before.pop(key, None)
        if was is None:
            found.append((*key, "model", None, None, "new"))
            continue
        a, b = was["engines"].get("anyrt", {}), row["engines"].get("anyrt", {})
        if ("ms" in a) != ("ms" in b):
            found.append((*key, "runs", "ms" in a, "ms" in b, "worse" if "ms" in a else "better"))
            continue
        if "ms" not in a:
            continue
        peers = [p for p in was["ratios"] if p in row["ratios"]]
        for what, x, y, spread in (
                [(f"ratio to {p}", was["ratios"][p]["median"], row["ratios"][p]["median"], spread_of(was["ratios"][p]) + spread_of(row["ratios"][p])) for p in peers]
                or [("ms", 1 / a["ms"]["median"], 1 / b["ms"]["median"], spread_of(a["ms"]) + spread_of(b["ms"]))]):
            if y < x * (1 - tolerance) - x * spread:
                found.append((*key, what, x, y, "worse"))
            elif y > x * (1 + tolerance) + x * spread:
                found.append((*key, what, x, y, "better"))
        for what, key_in in (("peak memory", "peak_bytes"), ("session creation ms", "create_ms"), ("start ms", "start_ms")):
            x, y = a.get(key_in), b.get(key_in)
            room = tolerance if what == "peak memory" else max(tolerance, 0.5)
            if x and y and y > x * (1 + room):
                found.append((*key, what, x, y, "worse"))
            elif x and y and y < x * (1 - room):
                found.append((*key, what, x, y, "better"))
        x, y = a.get("difference"), b.get("difference")
        if x is not None and y is not None and y > max(4 * x, 1e-5):
            found.append((*key, "output difference", x, y, "worse"))
    for name, threads in before:
        found.append((name, threads, "model", None, None, "gone"))
    return found


def spread_of(s):
    """Half the distance between quartiles, relative to the median."""
    return (s["q3"] - s["q1"]) / 2 / s["median"] if s["median"] else 0.0
