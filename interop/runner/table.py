"""The verdicts of all devices as text."""

VERDICTS = ["pass", "warn", "fail", "inconclusive", "not_applicable", "error"]


def table(rows):
    lines = ["", f"{'device':24}" + "".join(f"{name.replace('_', ' '):>15}" for name in VERDICTS) + f"{'seconds':>10}  as expected"]
    for row in rows:
        if "trouble" in row:
            lines.append(f"{row['device']:24}  {row['trouble']}")
            continue
        counts = "".join(f"{sum(case['verdict'] == name for case in row['cases']):>15}" for name in VERDICTS)
        verdict = "yes" if row["code"] == 0 else f"no ({row['code']})"
        lines.append(f"{row['device']:24}{counts}{row['seconds']:>10.1f}  {verdict}")
    for row in rows:
        lines += [f"{row['device']}: {trouble}" for trouble in (*row.get("deaths", []), *row.get("deaf", []))]
        for case in row.get("cases", []):
            if case["standing"] != "expected":
                reason = " ".join(str(case.get("reason", "")).split())
                lines.append(f"{row['device']}: {case['case']} ({case['ocpp']}): {case['verdict']}: {reason[:300]}")
    return "\n".join(lines)
