# Sourced by the suite's runner: one line per test as it ends.
fuse4fs_record() {
    local reason=
    [ "$2" = expunge ] && return
    # timeout(1) gives 124, or 137 when the test had to be killed.
    if [ "$2" = fail ] && { [ "${sts:-0}" = 124 ] || [ "${sts:-0}" = 137 ]; }; then
        reason="time limit"
    elif [ "$2" = notrun ] && [ -f "$4.notrun" ]; then
        reason=$(head -n 1 "$4.notrun")
    elif [ "$2" = fail ] && [ -f "$4.out.bad" ]; then
        reason=$(diff "$seq.out" "$4.out.bad" 2>/dev/null | sed -n 's/^> *//p' | head -n 1 | cut -c1-160)
    fi
    printf '%s\t%s\t%s\t%s\n' "$1" "$2" "$3" "$(printf '%s' "$reason" | tr '\t' ' ')" >> "$FUSE4FS_RECORD"
}
