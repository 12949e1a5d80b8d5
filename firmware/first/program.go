package first

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strings"
)

// programError is a program that ended with another status than 0.
type programError struct {
	name, said string
	status     int
	err        error
}

func (e *programError) Error() string {
	said := strings.Join(strings.Fields(e.said), " ")
	if len(said) > 300 {
		said = "… " + strings.ToValidUTF8(said[len(said)-300:], "")
	}
	return fmt.Sprintf("%s: %v: %s", e.name, e.err, said)
}

func (e *programError) Unwrap() error { return e.err }

// program runs one of the file system's programs and returns what it says. It is not
// ended early: half of its work is worse than a slow start.
func program(ctx context.Context, stdin, name string, args ...string) (string, error) {
	c := exec.CommandContext(context.WithoutCancel(ctx), name, args...)
	c.Env = append(os.Environ(), "LC_ALL=C", "PATH=/usr/sbin:/usr/bin:/sbin:/bin")
	c.Stdin = strings.NewReader(stdin)
	var out bytes.Buffer
	c.Stdout, c.Stderr = &out, &out
	err := c.Run()
	if err == nil {
		return out.String(), nil
	}
	e := &programError{name: name, said: out.String(), status: -1, err: err}
	if x, ok := errors.AsType[*exec.ExitError](err); ok {
		e.status = x.ExitCode()
	}
	return e.said, e
}

// status is the status that a program ended with; -1: it did not run or was killed.
func status(err error) int {
	if err == nil {
		return 0
	}
	if e, ok := errors.AsType[*programError](err); ok {
		return e.status
	}
	return -1
}
