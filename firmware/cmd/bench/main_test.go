package main

import (
	"bytes"
	"strings"
	"testing"
)

// The exit statuses are those of the command's comment, and words follow.
func TestRun(t *testing.T) {
	for _, tt := range []struct {
		args   []string
		status int
		words  string
	}{
		{[]string{"-h"}, 0, "-packs"},
		{[]string{"-colour"}, 2, "-colour"},
		{[]string{"extra"}, 2, `"extra"`},
		{[]string{"-addr", "0.0.0.0:0"}, 1, "loopback"},
		{[]string{"-addr", "nowhere"}, 1, "address"},
		{[]string{"-addr", "127.0.0.1:0", "-dir", t.TempDir(), "-bin", t.TempDir()}, 1, "portald"},
	} {
		var out, errs bytes.Buffer
		if got := run(tt.args, &out, &errs); got != tt.status {
			t.Errorf("run %q = %d, want %d", tt.args, got, tt.status)
		}
		if !strings.Contains(errs.String(), tt.words) {
			t.Errorf("run %q says %q, want %q in it", tt.args, errs.String(), tt.words)
		}
	}
}
