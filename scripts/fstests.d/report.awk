# Reads results.tsv files, the run's own last, and prints the table; writes JSON and an SVG chart.
# names: the runs, in the order of the files. All are counted over the run's own tests.
BEGIN { FS = "\t"; runs = split(names, name, " ") }
FNR == 1 { file++ }
/^#/ || NF < 2 { next }
{ status[file, $1] = $2; seconds[file, $1] = $3; if (file == runs) { tests[$1]; reason[$1] = $4 } }
END {
    for (test in tests) {
        for (run = 1; run <= runs; run++) {
            if ((run, test) in status) {
                count[run, status[run, test]]++; total[run] += seconds[run, test]; known[run]++
            }
        }
    }
    printf "%-12s %8s %8s %8s %8s\n", "run", "passed", "failed", "not run", "seconds"
    for (run = runs; run >= 1; run--) {
        if (known[run]) {
            printf "%-12s %8d %8d %8d %8d\n", name[run], passed(run), failed(run), not_run(run), total[run]
        }
    }
    for (run = 1; run < runs; run++) {
        show(run, "fail", "pass", "failed here, passed by " name[run])
        show(run, "notrun", "pass", "not run here, passed by " name[run])
        show(run, "pass", "fail", "passed here, failed by " name[run])
    }
    show(1, "fail", "", "failed here, unknown to " name[1])
    write_json()
    chart()
}
function passed(run) { return count[run, "pass"] + 0 }
function failed(run) { return count[run, "fail"] + 0 }
function not_run(run) { return count[run, "notrun"] + 0 }
function show(run, own, theirs, title,    test, n, i, j, swap, sorted) {
    for (test in tests) {
        if (status[runs, test] == own && status[run, test] == theirs) { sorted[++n] = test }
    }
    if (!n) { return }
    for (i = 2; i <= n; i++) {
        swap = sorted[i]
        for (j = i - 1; j > 0 && sorted[j] > swap; j--) { sorted[j + 1] = sorted[j] }
        sorted[j + 1] = swap
    }
    printf "\n%s (%d):\n", title, n
    for (i = 1; i <= n; i++) { printf "  %s  %s\n", sorted[i], reason[sorted[i]] }
}
function write_json(    run) {
    printf "[" > json
    for (run = runs; run >= 1; run--) {
        printf "%s\n  { \"run\": \"%s\", \"passed\": %d, \"failed\": %d, \"notRun\": %d, \"seconds\": %d }", \
            run == runs ? "" : ",", name[run], passed(run), failed(run), not_run(run), total[run] > json
    }
    print "\n]" > json
}
function bar(y, run,    whole, x) {
    whole = known[run]
    if (!whole) { return }
    printf "<text x=\"0\" y=\"%d\">%s</text>\n", y + 14, name[run] > svg
    x = part(110, y, passed(run), whole, "#3a7d44")
    x = part(x, y, failed(run), whole, "#b33939")
    part(x, y, not_run(run), whole, "#c8c8c8")
    printf "<text x=\"720\" y=\"%d\">%d passed, %d failed, %d not run</text>\n", y + 14, passed(run), failed(run), \
        not_run(run) > svg
}
function part(x, y, tests, whole, color,    width) {
    width = 600 * tests / whole
    printf "<rect x=\"%d\" y=\"%d\" width=\"%d\" height=\"18\" fill=\"%s\"/>\n", x, y, width, color > svg
    return x + width
}
function chart(    run, y) {
    printf "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"980\" height=\"%d\"", 14 + 28 * runs > svg
    print " font-family=\"sans-serif\" font-size=\"13\">" > svg
    y = 6
    for (run = runs; run >= 1; run--) { bar(y, run); y += 28 }
    print "</svg>" > svg
}
