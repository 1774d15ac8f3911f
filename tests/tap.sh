# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
# For test suites in bash. Sourced after scripts/lib.sh; a suite then calls
#
#	promise NAME COMMAND...	run COMMAND, "ok NAME" if it succeeds; its output is shown if not
#	cmocka_promises PROGRAM	a promise for each test of a program of cmocka
#	side_by_side NAME...	promise NAME NAME for each, two at a time, in no order
#	finish			print "N passed, N failed" and exit
#	fails_with TEXT COMMAND...	in a promise: COMMAND fails, and says TEXT
#
# COMMAND is usually a function, run in a shell of its own with `set -e`.

tap_passed=0
tap_failed=0
tap_output=$(mktemp)

promise()
{
	local name=$1 status=0

	shift
	# Not in a condition: that would switch off the command's own `set -e`.
	set +e
	(
		set -e
		"$@"
	) >"$tap_output" 2>&1
	status=$?
	set -e
	if [[ $status -eq 0 ]]; then
		echo "ok $name"
		((++tap_passed))
	else
		# In one piece: another promise may speak at the same time.
		printf 'not ok %s\n%s\n' "$name" "$(sed 's/^/    /' "$tap_output")"
		((++tap_failed))
	fi
}

cmocka_promises()
{
	local log name failed status=0

	log=$(mktemp)
	"$1" >"$log" 2>&1 || status=$?
	while read -r name; do
		promise "$name" true
	done < <(sed -n 's/^\[ *OK \] //p' "$log")
	# Each is named again at the end.
	failed=$(sed -n 's/^\[  FAILED  \] \([a-z_0-9]*\)$/\1/p' "$log" | sort -u)
	for name in $failed; do
		promise "$name" eval "grep -vE '^.(=| RUN | +OK |  PASSED)' '$log'; false"
	done
	# A sanitizer stopped it.
	if ((status)) && [[ -z $failed ]]; then
		promise "$(basename "$1")_comes_to_its_end" eval "cat '$log'; false"
	fi
	rm -f "$log"
}

# lane FIRST NAME...: the promises FIRST, FIRST + 2 and so on; their counts go to descriptor 3
lane()
{
	local n names=("${@:2}")

	tap_passed=0
	tap_failed=0
	tap_output=$(mktemp)
	for ((n = $1; n < ${#names[@]}; n += 2)); do
		promise "${names[n]}" "${names[n]}"
	done
	rm -f "$tap_output"
	echo "$tap_passed $tap_failed" >&3
}

side_by_side()
{
	local counts passed failed lanes=0

	counts=$(mktemp)
	lane 0 "$@" 3>>"$counts" &
	lane 1 "$@" 3>>"$counts" &
	wait
	while read -r passed failed; do
		((tap_passed += passed, tap_failed += failed, ++lanes)) || :
	done <"$counts"
	rm -f "$counts"
	# A lane that has broken off has not kept its promises.
	((lanes == 2)) || promise "both_lanes_come_to_their_end" false
}

finish()
{
	rm -f "$tap_output"
	echo "$tap_passed passed, $tap_failed failed"
	exit $((tap_failed > 0))
}

fails_with()
{
	local text=$1 output

	shift
	if output=$("$@" 2>&1); then
		echo "this should have failed: $*"
		return 1
	fi
	grep -F -- "$text" <<<"$output" || {
		echo "expected \"$text\" from $*, got:"
		echo "$output"
		return 1
	}
}
