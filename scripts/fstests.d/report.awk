# Reads two results.tsv (the one beside first) and prints the table; writes JSON and an SVG chart.
BEGIN { FS = "\t" }
/^#/ { next }
FILENAME == ARGV[1] && ARGV[1] != ARGV[2] { theirs[$1] = $2; next }
{ ours[$1] = $2; seconds[$1] = $3; reason[$1] = $4 }
END {
    for (test in ours) {
        count[ours[test]]++; total += seconds[test]; all++
        if (test in theirs) { beside[theirs[test]]++; both++ }
        pair = ours[test] " " theirs[test]
        if (pair == "fail pass" || pair == "notrun pass" || pair == "fail ") { list[pair, ++listed[pair]] = test }
    }
    printf "%-12s %8s %8s %8s %8s\n", "run", "passed", "failed", "not run", "seconds"
    printf "%-12s %8d %8d %8d %8d\n", name, count["pass"], count["fail"], count["notrun"], total
    if (both) {
        printf "%-12s %8d %8d %8d %8s  (the same tests)\n", other, beside["pass"], beside["fail"], beside["notrun"], ""
    }
    show("fail pass", "failed here, passed by " other)
    show("notrun pass", "not run here, passed by " other)
    show("fail ", "failed here, unknown to " other)
    printf "{\n  \"run\": \"%s\", \"passed\": %d, \"failed\": %d, \"notRun\": %d, \"seconds\": %d,\n", \
        name, count["pass"], count["fail"], count["notrun"], total > json
    printf "  \"beside\": { \"run\": \"%s\", \"passed\": %d, \"failed\": %d, \"notRun\": %d }\n}\n", \
        other, beside["pass"], beside["fail"], beside["notrun"] > json
    chart()
}
function show(pair, title,    n, i, j, swap, sorted) {
    n = listed[pair]
    if (!n) { return }
    for (i = 1; i <= n; i++) { sorted[i] = list[pair, i] }
    for (i = 2; i <= n; i++) {
        swap = sorted[i]
        for (j = i - 1; j > 0 && sorted[j] > swap; j--) { sorted[j + 1] = sorted[j] }
        sorted[j + 1] = swap
    }
    printf "\n%s (%d):\n", title, n
    for (i = 1; i <= n; i++) { printf "  %s  %s\n", sorted[i], reason[sorted[i]] }
}
function bar(y, label, passed, failed, notrun,    whole, x, width) {
    whole = passed + failed + notrun
    if (!whole) { return }
    printf "<text x=\"0\" y=\"%d\">%s</text>\n", y + 14, label > svg
    x = 110
    width = 600 * passed / whole; printf "<rect x=\"%d\" y=\"%d\" width=\"%d\" height=\"18\" fill=\"#3a7d44\"/>\n", x, y, width > svg; x += width
    width = 600 * failed / whole; printf "<rect x=\"%d\" y=\"%d\" width=\"%d\" height=\"18\" fill=\"#b33939\"/>\n", x, y, width > svg; x += width
    width = 600 * notrun / whole; printf "<rect x=\"%d\" y=\"%d\" width=\"%d\" height=\"18\" fill=\"#c8c8c8\"/>\n", x, y, width > svg
    printf "<text x=\"720\" y=\"%d\">%d passed, %d failed, %d not run</text>\n", y + 14, passed, failed, notrun > svg
}
function chart() {
    print "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"980\" height=\"70\" font-family=\"sans-serif\" font-size=\"13\">" > svg
    bar(6, name, count["pass"], count["fail"], count["notrun"])
    bar(34, other, beside["pass"], beside["fail"], beside["notrun"])
    print "</svg>" > svg
}
