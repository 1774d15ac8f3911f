# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
# For test suites in bash. Sourced after scripts/lib.sh; a suite then calls
#
#	promise NAME COMMAND...	run COMMAND, "ok NAME" if it succeeds; its output is shown if not
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
		echo "not ok $name"
		sed 's/^/    /' "$tap_output"
		((++tap_failed))
	fi
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
