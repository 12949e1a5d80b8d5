// Package command is the frame of a tool that has several commands: which one is wanted, and
// with which exit status it ends. What a command does is the tool's.
package command

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"time"
)

// ErrUsage is what a command returns that was called in a wrong way. What wraps it is
// said before the tool's help.
var ErrUsage = errors.New("wrong use")

// Parse has the flags take args; flags that are not so are wrong use.
func Parse(fs *flag.FlagSet, args []string) error {
	err := fs.Parse(args)
	if err == nil || errors.Is(err, flag.ErrHelp) {
		return err
	}
	return fmt.Errorf("%w: %w", ErrUsage, err)
}

// Func is a command: it defines its flags, parses args with them, and does its work.
type Func func(fs *flag.FlagSet, args []string, now time.Time, stdout io.Writer) error

// Run runs the command that args begin with and returns the tool's exit status: 0
// done, 1 failed, 2 wrong use.
func Run(tool, help string, commands map[string]Func, args []string, now time.Time, stdout, stderr io.Writer) int {
	if len(args) == 0 {
		_, _ = fmt.Fprint(stderr, help)
		return 2
	}
	do, ok := commands[args[0]]
	switch {
	case ok:
	case args[0] == "help", args[0] == "-h", args[0] == "--help":
		_, _ = fmt.Fprint(stdout, help)
		return 0
	default:
		_, _ = fmt.Fprintf(stderr, "%s: there is no command %q\n%s", tool, args[0], help)
		return 2
	}
	fs := flag.NewFlagSet(tool+" "+args[0], flag.ContinueOnError)
	fs.SetOutput(stderr)
	err := do(fs, args[1:], now, stdout)
	switch {
	case err == nil, errors.Is(err, flag.ErrHelp):
		return 0
	case errors.Is(err, ErrUsage):
		_, _ = fmt.Fprintf(stderr, "%s: %v\n%s", tool, err, help)
		return 2
	}
	_, _ = fmt.Fprintf(stderr, "%s: %v\n", tool, err)
	return 1
}
