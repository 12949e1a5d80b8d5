//go:build !linux || !amd64

package outbox_test

import "testing"

func TestCrashStates(t *testing.T) {
	t.Skip("NOT TESTED: crash states are recorded with ptrace on linux/amd64 only")
}
