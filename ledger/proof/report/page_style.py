"""The style of the page: for a screen, and for print on A4 in colour or grey."""

from __future__ import annotations

STYLE = """
@page { size: A4; margin: 14mm 14mm 12mm; }
* { box-sizing: border-box; }
html { color: #16202a; background: #eef1f4; }
body { margin: 0 auto; padding: 10mm 12mm; max-width: 210mm; background: #fff;
  font: 10.5pt/1.45 "Noto Sans", "Segoe UI", "Helvetica Neue", Arial, "Noto Sans CJK SC",
    "Noto Sans SC", "PingFang SC", "Microsoft YaHei", "Noto Sans Arabic", "Noto Sans Hebrew",
    sans-serif;
  overflow-wrap: anywhere; }
table { width: 100%; border-collapse: collapse; }
td, th { padding: 0; text-align: left; vertical-align: top; }
.sheet > tbody > tr > td > * { margin-bottom: 5mm; }
header { display: flex; justify-content: space-between; align-items: baseline; gap: 8mm;
  padding-bottom: 2mm; border-bottom: 0.6mm solid #16202a; }
h1 { margin: 0; font-size: 15pt; letter-spacing: 0.06em; }
header time { color: #4a5866; white-space: nowrap; }
h2 { margin: 0 0 1.5mm; font-size: 9pt; letter-spacing: 0.08em; text-transform: uppercase;
  color: #4a5866; break-after: avoid; }
.answer { display: flex; margin-bottom: 1.8mm;
  border: 0.3mm solid #c9d1d9; border-left-width: 1.8mm; border-radius: 1mm; break-inside: avoid; }
.answer h2 { flex: 0 0 27mm; margin: 0; padding: 2mm 3mm; letter-spacing: 0.06em; color: #16202a; }
.answer div { flex: 1; padding: 1.6mm 3mm 1.6mm 0; }
.answer p { margin: 0; }
.answer strong { font-size: 11.5pt; }
.answer small { font-size: 9.5pt; color: #4a5866; }
.good { border-left-color: #1b7f4b; } .good strong { color: #14633a; }
.bad { border-left-color: #b3261e; background: #fdf3f2; } .bad strong { color: #9a1b14; }
.open { border-left-color: #9a6a00; } .open strong { color: #7a5300; }
.facts th { width: 30mm; padding: 0.6mm 3mm 0.6mm 0; font-weight: 600; color: #4a5866; }
.facts td { padding: 0.6mm 0; }
.life { font-size: 9.5pt; }
.life th { padding: 1mm 3mm 1mm 0; font-size: 8.5pt; letter-spacing: 0.05em; color: #4a5866;
  border-bottom: 0.3mm solid #16202a; }
.life td { padding: 1mm 3mm 1mm 0; border-bottom: 0.2mm solid #dde3e8; }
.life td:first-child { white-space: nowrap; font-variant-numeric: tabular-nums; }
.id { white-space: nowrap; }
.life tr, .finding, li { break-inside: avoid; }
.life .what { width: 27%; } .life .who { width: 25%; }
.finding { margin: 0 0 2.5mm; padding: 1.5mm 0 0 4mm; border-left: 0.8mm solid #c9d1d9; }
.finding.breach { border-left-color: #b3261e; }
.finding p { margin: 0 0 0.8mm; }
.finding .dates { font-weight: 600; }
.finding small { display: block; font-size: 9pt; color: #4a5866; }
ul { margin: 0; padding-left: 5mm; } li { margin: 0 0 0.6mm; }
.next li { font-weight: 600; }
code { font: 8.5pt/1.4 "Noto Sans Mono", Consolas, Menlo, monospace; }
.print td { padding: 2mm 0 0; border-top: 0.3mm solid #c9d1d9; font-size: 8.5pt; color: #4a5866; }
tfoot { break-inside: avoid; }
@media screen { body { margin: 8mm auto; box-shadow: 0 1mm 4mm #0002; } }
@media screen and (max-width: 600px) { body { margin: 0; padding: 5mm 4mm; }
  .answer { display: block; } .answer h2 { padding-bottom: 0; }
  .answer div { padding-left: 3mm; } .facts th { width: 22mm; } }
@media print { html, body { background: none; } body { padding: 0; max-width: none; }
  .answer, .finding { print-color-adjust: exact; -webkit-print-color-adjust: exact; } }
"""
