package main

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"time"

	"github.com/penjire/penjire/sync/ledger"
	"github.com/penjire/penjire/sync/portal"
)

const settingsUsage = `usage: portald settings set -dir FOLDER all|lab|pilot|broad|KIOSK FILE
       portald settings ls -dir FOLDER [-json]
`

// settingsCommand is portald settings: what an operator sets on kiosks from afar
// (wire.md, section 5b).
func settingsCommand(ctx context.Context, args []string, stdout, stderr io.Writer) int {
	what := ""
	if len(args) > 0 {
		what, args = args[0], args[1:]
	}
	fs := flag.NewFlagSet("portald settings "+what, flag.ContinueOnError)
	fs.SetOutput(stderr)
	dir := fs.String("dir", "", "`folder` of portal.json")
	where := fs.String("ledger", "", "`file` or postgres://… of the ledger, in place of the one in portal.json")
	asJSON := fs.Bool("json", false, "print JSON: a line for each time that something was set")
	if err := fs.Parse(args); err != nil {
		if errors.Is(err, flag.ErrHelp) {
			return 0
		}
		return 2
	}
	wants, ok := map[string]int{"set": 2, "ls": 0}[what]
	if !ok || *dir == "" || fs.NArg() != wants {
		_, _ = fmt.Fprint(stderr, settingsUsage)
		return 2
	}
	if err := settingsDo(ctx, what, *dir, *where, fs.Args(), *asJSON, stdout); err != nil {
		_, _ = fmt.Fprintln(stderr, "portald:", err)
		return 1
	}
	return 0
}

func settingsDo(ctx context.Context, what, dir, where string, args []string, asJSON bool, stdout io.Writer) (err error) {
	_, db, err := openFolder(ctx, dir, where)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	if what == "ls" {
		return settingsList(ctx, db, asJSON, stdout)
	}
	b, err := os.ReadFile(args[1])
	if err != nil {
		return err
	}
	n, err := portal.SetSettings(ctx, db, args[0], b, -1, "command: "+cmp.Or(os.Getenv("SUDO_USER"), os.Getenv("USER"), "?"), time.Now())
	if err != nil {
		return fmt.Errorf("%s: %w", args[1], err)
	}
	_, err = fmt.Fprintf(stdout, "set %d for %s: kiosks get it when they next connect, connected ones within an hour; a kiosk that cannot use it raises kiosk.settings\n", n, args[0])
	return err
}

// settingsLine is a line of portald settings ls -json.
type settingsLine struct {
	Scope  string          `json:"scope"`
	Number uint64          `json:"number"`
	Counts bool            `json:"in_force"` // the last of its scope
	By     string          `json:"by"`
	At     time.Time       `json:"at"`
	Values json.RawMessage `json:"values"`
}

func settingsList(ctx context.Context, db ledger.Settings, asJSON bool, stdout io.Writer) error {
	all, err := db.Layers(ctx)
	if err != nil {
		return err
	}
	last := ""
	for _, l := range all {
		line := settingsLine{l.Scope, l.Number, l.Scope != last, l.By, l.At, l.Values}
		last = l.Scope
		if asJSON {
			err = json.NewEncoder(stdout).Encode(line)
		} else {
			state := "before"
			if line.Counts {
				state = "in force"
			}
			_, err = fmt.Fprintf(stdout, "%-16s %3d  %-8s  %s  %s\n%s\n", l.Scope, l.Number, state, l.At.Format(time.RFC3339), l.By, l.Values)
		}
		if err != nil {
			return err
		}
	}
	return nil
}
