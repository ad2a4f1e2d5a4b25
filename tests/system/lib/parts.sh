# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
# The parts of ./dev test, sourced by it. A part's command prints "N passed, N failed[, N skipped]" as its
# last line; the table and the sum at the end are made from those.

part_names="unit python system differential sanitize tsan fuzz"   # in this order; docker and package only when named
part_rows=""
sum_passed=0 sum_failed=0 sum_skipped=0

# part NAME COMMAND...: a command without such a last line has failed.
part() {
  local name=$1 began=$SECONDS rc=0
  shift
  printf '\n=== %s\n' "$name"
  ( set -e; "$@" ) 2>&1 | tee "build/test-$name.log" || rc=$?
  add_row "$name" $rc $((SECONDS - began))
}

# The same, of a program, beside the next part; told of when that has ended.
beside_name="" beside_pid="" beside_began=0
part_beside() {
  beside_name=$1 beside_began=$SECONDS
  shift
  "$@" >"build/test-$beside_name.log" 2>&1 &
  beside_pid=$!
}
part_joined() {
  [ -n "$beside_pid" ] || return 0
  local rc=0
  wait "$beside_pid" || rc=$?
  beside_pid=""
  printf '\n=== %s\n' "$beside_name"
  cat "build/test-$beside_name.log"
  add_row "$beside_name" $rc $((SECONDS - beside_began))
}
end_part_beside() {
  [ -z "$beside_pid" ] || kill "$beside_pid" 2>/dev/null || true
}

add_row() {  # add_row NAME STATUS SECONDS
  local name=$1 rc=$2 line p f s
  line=$(grep -E '^[0-9]+ passed, [0-9]+ failed(, [0-9]+ skipped)?$' "build/test-$name.log" | tail -n 1 || true)
  read -r p f s < <(sed -E 's/ (passed|failed|skipped)//g; s/,//g' <<<"${line:-0 0 0}")
  if [ -z "$line" ] || { [ "$rc" -ne 0 ] && [ "$f" = 0 ]; }; then f=$((f + 1)); fi
  sum_passed=$((sum_passed + p)) sum_failed=$((sum_failed + f)) sum_skipped=$((sum_skipped + ${s:-0}))
  part_rows+=$(printf '%-14s %6d passed %4d failed %3d skipped %5d s' "$name" "$p" "$f" "${s:-0}" "$3")$'\n'
}

# What failed is said once more at the end, with the lines before it (gtest) and behind it (an explanation): of a
# long output often only the end is kept.
failures_of() {  # failures_of NAME
  grep -E -B 4 -A 12 '^(FAILED|\[  FAILED  \])' "build/test-$1.log" | grep -vE '^ok ' | head -n 60
}

print_sum() {
  local name f
  while read -r name _ _ f _; do
    if [ "${f:-0}" != 0 ]; then printf '\n=== failed in %s\n' "$name" && failures_of "$name"; fi
  done <<<"$part_rows"
  printf '\n%s' "$part_rows"
  printf '%d passed, %d failed' "$sum_passed" "$sum_failed"
  if [ "$sum_skipped" -gt 0 ]; then printf ', %d skipped' "$sum_skipped"; fi
  printf '\n'
  [ "$sum_failed" -eq 0 ] && [ "$sum_passed" -gt 0 ]
}

# --- gtest -----------------------------------------------------------------------------------------
# run_gtests "WRAPPER" BINARY...: each one's failures, and the sum.
run_gtests() {
  local wrapper=$1 binary passed=0 failed=0 skipped=0 out rc p f s
  shift
  for binary in "$@"; do
    [ -x "$binary" ] || continue
    rc=0
    # shellcheck disable=SC2086
    out=$(timeout 300 $wrapper "$binary" --gtest_brief=1 2>&1) || rc=$?
    p=$(sed -nE 's/^\[  PASSED  \] ([0-9]+) test.*/\1/p' <<<"$out" | tail -n 1)
    f=$(sed -nE 's/^\[  FAILED  \] ([0-9]+) test.*/\1/p' <<<"$out" | tail -n 1)
    s=$(sed -nE 's/^\[  SKIPPED \] ([0-9]+) test.*/\1/p' <<<"$out" | tail -n 1)
    if [ $rc -ne 0 ] && [ "${f:-0}" = 0 ]; then f=1; fi
    if [ $rc -ne 0 ]; then
      printf '%s\n' "$out" | tail -n 80
      echo "FAILED   $(basename "$binary") (status $rc)"
    else
      echo "ok       $(basename "$binary"): ${p:-0}"
    fi
    passed=$((passed + ${p:-0})) failed=$((failed + ${f:-0})) skipped=$((skipped + ${s:-0}))
  done
  printf '%d passed, %d failed' "$passed" "$failed"
  if [ "$skipped" -gt 0 ]; then printf ', %d skipped' "$skipped"; fi
  printf '\n'
  [ "$failed" -eq 0 ]
}

do_unit() { run_gtests "" build/tests/unit/*_test; }

do_python() {
  local file out passed=0 failed=0 line p f rc
  for file in tests/unit/*_test.py; do
    [ -f "$file" ] || continue
    rc=0
    out=$(/usr/bin/python3 "$file" 2>&1) || rc=$?
    line=$(grep -E '^[0-9]+ passed, [0-9]+ failed' <<<"$out" | tail -n 1 || true)
    p=$(sed -E 's/ passed.*//' <<<"${line:-0}") f=$(sed -E 's/.*, ([0-9]+) failed.*/\1/' <<<"${line:-0}")
    if [ $rc -ne 0 ] && [ "$f" = 0 ]; then f=1; fi
    if [ "$f" != 0 ]; then echo "$out"; fi
    echo "$(basename "$file"): $p passed, $f failed ($rc)"
    passed=$((passed + p)) failed=$((failed + f))
  done
  echo "$passed passed, $failed failed"
}

do_system() { /usr/bin/python3 tests/system/run.py "$@"; }

differential="/usr/bin/python3 tests/differential/run.py"
# shellcheck disable=SC2086
do_differential() { $differential; }

do_docker() { docker/test.sh; }

do_package() { debian/test.sh; }

# --- Sanitizers ------------------------------------------------------------------------------------
unit_targets() {  # unit_targets BUILD_DIR [PATTERN]: the unit tests whose name has it, as meson.build has them now
  flock "$1" ninja -C "$1" build.ninja >/dev/null
  ninja -C "$1" -t targets all | sed -nE "s#^(tests/unit/[a-z0-9_]*${2:-}[a-z0-9_]*_test): .*#\\1#p"
}

# ASan and UBSan: the unit tests, and the daemon under real packets. By clang, whose
# sanitizers compile in a fraction of the time that g++ 12's take.
build_sanitize() {
  local options="-Ddebug=false -Dcpp_args=-gline-tables-only -Doptimization=0 -Db_sanitize=address,undefined -Db_lundef=false -Dwerror=false $unity"
  CXX=clang++ configure_in build-asan "$options"
  # shellcheck disable=SC2046
  build_in build-asan "$options" vethwayd vethway $(unit_targets build-asan)
}

do_sanitize() {
  build_sanitize
  export ASAN_OPTIONS=abort_on_error=0:detect_stack_use_after_return=1 \
    UBSAN_OPTIONS=halt_on_error=1:print_stacktrace=1 \
    LSAN_OPTIONS=print_suppressions=0:suppressions=$PWD/tests/system/lib/lsan.supp
  local out one two
  out=build/test-sanitize
  run_gtests "" build-asan/tests/unit/*_test | tee "$out.1" || true
  VETHWAY_BUILD=build-asan VETHWAY_SLOW=4 /usr/bin/python3 tests/system/run.py test_forwarding test_arp test_hostile |
    tee "$out.2" || true
  one=$(tail -n 1 "$out.1") two=$(tail -n 1 "$out.2")
  sum_lines "$one" "$two"
}

# The sum of "N passed, N failed[, N skipped]" lines; what is no such line counts as one failure.
sum_lines() {
  printf '%s\n' "$@" | awk '
    /^[0-9]+ passed, [0-9]+ failed/ { p += $1; f += $3; s += $5; next } { f += 1 }
    END { printf "%d passed, %d failed", p, f; if (s) printf ", %d skipped", s; print ""; exit f != 0 }'
}

# Threads meet in the tables: those tests, under TSan. setarch -R: gcc 12's TSan can't place its shadow
# with as many random bits as new kernels use.
tsan_targets() { unit_targets build-tsan '(counters|recorder|record_ring|fdb|fib|route|neighbour_table|reassemble|tx)'; }

build_tsan() {
  local options="-Ddebug=true -Doptimization=1 -Db_sanitize=thread -Db_lundef=false $unity"
  configure_in build-tsan "$options"
  # shellcheck disable=SC2046
  build_in build-tsan "$options" $(tsan_targets)
}

do_tsan() {
  build_tsan
  # shellcheck disable=SC2046
  TSAN_OPTIONS=halt_on_error=1:second_deadlock_stack=1 \
    run_gtests "setarch -R" $(tsan_targets | sed 's#^#build-tsan/#')
}

# --- Fuzzing ---------------------------------------------------------------------------------------
# fuzz_all SECONDS [TARGET]: libFuzzer with ASan and UBSan; tests/fuzz/meson.build looks for these flags.
# What it finds is left in build-fuzz/found/.
fuzz_options="--buildtype=debugoptimized $unity -Db_lundef=false -Dwerror=false
  -Dcpp_args=['-fsanitize=fuzzer-no-link,address,undefined','-fno-sanitize-recover=all']
  -Dcpp_link_args=['-fsanitize=address,undefined']"
build_fuzz() {
  CXX=clang++ configure_in build-fuzz "$fuzz_options"
  # shellcheck disable=SC2046
  build_in build-fuzz "$fuzz_options" $(ninja -C build-fuzz -t targets all | sed -nE 's#^(tests/fuzz/[a-z0-9_]+_fuzz): .*#\1#p')
}

fuzz_all() {
  local seconds=$1 only=${2:-} target name seeds passed=0 failed=0
  local -A running=()
  build_fuzz
  for target in build-fuzz/tests/fuzz/*; do
    if [ ! -f "$target" ] || [ ! -x "$target" ]; then continue; fi
    name=$(basename "$target")
    if [ -n "$only" ] && [[ $name != *"$only"* ]]; then continue; fi
    mkdir -p "build-fuzz/corpus/$name" "build-fuzz/found/$name"
    seeds=""
    if [ -d "tests/fuzz/corpus/$name" ]; then seeds=tests/fuzz/corpus/$name; fi
    # shellcheck disable=SC2086
    "$target" -max_total_time="$seconds" -timeout=10 -rss_limit_mb=4096 -close_fd_mask=1 \
      -artifact_prefix="build-fuzz/found/$name/" "build-fuzz/corpus/$name" $seeds >"build-fuzz/$name.log" 2>&1 &
    running[$name]=$!
  done
  for name in "${!running[@]}"; do
    if wait "${running[$name]}"; then
      passed=$((passed + 1))
      echo "ok       $name: $(grep -oE '^Done [0-9]+ runs.*' "build-fuzz/$name.log" || echo "done")"
    else
      failed=$((failed + 1))
      tail -n 60 "build-fuzz/$name.log"
      echo "FAILED   $name: input in build-fuzz/found/$name/"
    fi
  done
  if [ $((passed + failed)) = 0 ]; then echo "no target named like \"$only\""; fi
  echo "$passed passed, $failed failed"
  [ $failed -eq 0 ]
}

do_fuzz() { fuzz_all "${VETHWAY_FUZZ_SECONDS:-15}"; }

# --- What ./dev test was asked for -----------------------------------------------------------------
# The system tests wait more than they compute: what is run after them is built meanwhile, by what nobody
# else wants of the CPUs (SCHED_IDLE). Who needs it sooner waits for it (build_in). Ends with ./dev.
building_ahead=""
build_ahead() {
  setsid chrt --idle 0 ./dev build-instrumented >build/ahead.log 2>&1 &
  building_ahead=$!
}
end_building_ahead() {
  [ -n "$building_ahead" ] || return 0
  kill -- "-$building_ahead" 2>/dev/null || true
}

build_instrumented() {
  build_sanitize
  build_tsan
  build_fuzz
}

run_parts() {
  build_release
  local name units="" systems=""
  if [ $# = 0 ]; then
    build_ahead
    # shellcheck disable=SC2086
    set -- $part_names
  fi
  # shellcheck disable=SC2086,SC2154
  case " $* " in *" docker "* | *" package "*) ensure $packages_docker ;; esac
  # shellcheck disable=SC2086,SC2154
  case " $* " in *" docker "*) ensure $packages_podman ;; esac
  # shellcheck disable=SC2086,SC2154
  case " $* " in *" package "*) ensure $packages_package $packages_package_test ;; esac
  for name in "$@"; do
    # Each of these two uses one CPU.
    if [ "$name" = differential ] && [ -n "$building_ahead" ]; then
      # shellcheck disable=SC2086
      part_beside differential $differential
      continue
    fi
    case " $part_names docker package " in
      *" $name "*)
        part "$name" "do_$name"
        part_joined ;;
      *) if [ -x "build/tests/unit/${name%_test}_test" ]; then units+=" build/tests/unit/${name%_test}_test"
         elif [ -f "tests/unit/${name%.py}.py" ]; then part "$name" /usr/bin/python3 "tests/unit/${name%.py}.py"
         else systems+=" $name"; fi ;;
    esac
  done
  # shellcheck disable=SC2086
  if [ -n "$units" ]; then part unit run_gtests "" $units; fi
  # shellcheck disable=SC2086
  if [ -n "$systems" ]; then part system do_system $systems; fi
  print_sum
}
