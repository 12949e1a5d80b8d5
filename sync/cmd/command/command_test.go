package command

import (
	"bytes"
	"errors"
	"flag"
	"fmt"
	"io"
	"strings"
	"testing"
	"time"
)

// TestRun: each way to end has its exit status and its words on the right stream.
func TestRun(t *testing.T) {
	commands := map[string]Func{"do": func(fs *flag.FlagSet, args []string, _ time.Time, out io.Writer) error {
		n := fs.Int("n", 0, "how many")
		if err := Parse(fs, args); err != nil {
			return err
		}
		switch *n {
		case 1:
			return errors.New("broken")
		case 2:
			return fmt.Errorf("%w: -n is 2", ErrUsage)
		}
		_, err := fmt.Fprintln(out, "done")
		return err
	}}
	for _, tt := range []struct {
		args     string
		want     int
		out, err string
	}{
		{"", 2, "", "help"},
		{"help", 0, "help", ""},
		{"undo", 2, "", `tool: there is no command "undo"`},
		{"do", 0, "done", ""},
		{"do -n 1", 1, "", "tool: broken"},
		{"do -n 2", 2, "", "tool: wrong use: -n is 2"},
		{"do -n x", 2, "", "invalid value"},
		{"do -h", 0, "", "how many"},
	} {
		var out, err bytes.Buffer
		if got := Run("tool", "help\n", commands, strings.Fields(tt.args), time.Time{}, &out, &err); got != tt.want {
			t.Errorf("Run(%q) = %d, want %d", tt.args, got, tt.want)
		}
		if !strings.Contains(out.String(), tt.out) || !strings.Contains(err.String(), tt.err) || (tt.out == "") != (out.Len() == 0) || (tt.err == "") != (err.Len() == 0) {
			t.Errorf("Run(%q) says %q and %q, want %q and %q", tt.args, out.String(), err.String(), tt.out, tt.err)
		}
	}
}
