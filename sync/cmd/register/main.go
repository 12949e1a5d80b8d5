// Command register is the tool of whoever keeps the state register: it makes
// what portals and kiosks believe without asking, the trust bundle and the
// catalogue of services, and signs it. It runs where the register's key is,
// which needs no network.
//
//	register bundle -from bundle.json -roots FILE -cert FILE -key FILE [-previous FILE|-first] [-delta FILE] -out FILE
//	register catalogue -packs FOLDER -trust FILE -roots FILE -cert FILE -key FILE [-previous FILE|-first] -out FILE
//	register show -roots FILE FILE
//
// bundle makes the next version of the trust bundle from a description (see
// description). What comes out is read again as a kiosk that has the previous
// one reads it, before it is written: a bundle that kiosks would refuse, or
// with which something would stop working unnoticed, is not made. On standard
// output it says what changed.
//
// catalogue makes the next version of the catalogue from service packs.
//
// show tells what is in a bundle: its version, the centres with their
// accreditation, and how old its lists are.
//
// Exit status: 0 done, 1 failed, 2 wrong use.
package main

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"time"
)

const help = `usage: register bundle -from bundle.json -roots FILE -cert FILE -key FILE [-previous FILE|-first] [-delta FILE] -out FILE
       register catalogue -packs FOLDER -trust FILE -roots FILE -cert FILE -key FILE [-previous FILE|-first] -out FILE
       register show -roots FILE FILE
`

func main() { os.Exit(run(os.Args[1:], time.Now(), os.Stdout, os.Stderr)) }

// errUsage is what a command returns that was called in a wrong way, after it
// said so.
var errUsage = errors.New("wrong use")

func run(args []string, now time.Time, stdout, stderr io.Writer) int {
	if len(args) == 0 {
		_, _ = fmt.Fprint(stderr, help)
		return 2
	}
	commands := map[string]func(*flag.FlagSet, []string, time.Time, io.Writer) error{
		"bundle": issueBundle, "catalogue": issueCatalogue, "show": show,
	}
	do, ok := commands[args[0]]
	if !ok {
		if args[0] == "help" || args[0] == "-h" || args[0] == "--help" {
			_, _ = fmt.Fprint(stdout, help)
			return 0
		}
		_, _ = fmt.Fprintf(stderr, "register: there is no command %q\n%s", args[0], help)
		return 2
	}
	fs := flag.NewFlagSet("register "+args[0], flag.ContinueOnError)
	fs.SetOutput(stderr)
	err := do(fs, args[1:], now, stdout)
	switch {
	case err == nil, errors.Is(err, flag.ErrHelp):
		return 0
	case errors.Is(err, errUsage):
		_, _ = fmt.Fprintf(stderr, "register: %v\n%s", err, help)
		return 2
	}
	_, _ = fmt.Fprintln(stderr, "register:", err)
	return 1
}
