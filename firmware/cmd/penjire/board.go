package main

import (
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"os"
	"text/tabwriter"

	"github.com/penjire/penjire/boards/board"
	"github.com/penjire/penjire/boards/layout"
	"github.com/penjire/penjire/boards/wiring"
)

const boardHelp = `usage: penjire board ls [--json]
       penjire board show|check NAME|FILE
       penjire board wiring [--lang tk|ru|en] NAME|FILE > page.html
`

func boardCommand(args []string, stdout, stderr io.Writer) int {
	wrong := func() int {
		_, _ = fmt.Fprint(stderr, boardHelp)
		return usage
	}
	if len(args) == 0 {
		return wrong()
	}
	fs := flag.NewFlagSet("penjire board "+args[0], flag.ContinueOnError)
	asJSON := fs.Bool("json", false, "print what this machine says of itself, as the report to send")
	lang := fs.String("lang", language(os.Getenv), "`language` of the page: tk, ru or en")
	if st, done := parseFlags(fs, args[1:], stderr); done {
		return st
	}
	if args[0] == "ls" {
		if fs.NArg() > 0 {
			return wrong()
		}
		return boardLs(*asJSON, stdout, stderr)
	}
	if fs.NArg() != 1 || *asJSON {
		return wrong()
	}
	b, st := loadBoard(fs.Arg(0), stderr)
	if b == nil {
		return st
	}
	switch args[0] {
	case "show":
		enc := json.NewEncoder(stdout)
		enc.SetIndent("", "\t")
		if err := enc.Encode(b); err != nil {
			_, _ = fmt.Fprintf(stderr, "penjire: %v\n", err)
			return blind
		}
		return good
	case "check":
		_, _ = fmt.Fprintf(stdout, "board %s (%s): %d devices, %d wires, nothing wrong\n", b.Name, b.Title, len(b.Devices), len(b.Pins))
		return good
	case "wiring":
		page, err := wiring.Page(b, *lang)
		if err != nil {
			_, _ = fmt.Fprintf(stderr, "penjire: %v\n", err)
			return usage
		}
		if _, err := stdout.Write(page); err != nil {
			_, _ = fmt.Fprintf(stderr, "penjire: %v\n", err)
			return blind
		}
		return good
	}
	return wrong()
}

// loadBoard reads a board by its name or from a file, and says what is wrong.
func loadBoard(name string, stderr io.Writer) (*board.Board, int) {
	b, err := board.Open(name)
	if err == nil {
		return b, good
	}
	_, _ = fmt.Fprintf(stderr, "%v\n", err)
	if _, ok := err.(board.Faults); ok {
		return nil, bad
	}
	return nil, blind
}

// boardLs lists the boards and says which one this machine is.
func boardLs(asJSON bool, stdout, stderr io.Writer) int {
	all, err := board.All()
	if err != nil {
		_, _ = fmt.Fprintf(stderr, "penjire: %v\n", err)
		return blind
	}
	r := board.Report{Found: board.Look(os.DirFS("/"))}
	r.Matched = board.Match(r.Found, all)
	if b, err := board.ParseFile(layout.BoardFile); err == nil {
		r.Board = b.Name
	}
	if asJSON {
		_, _ = stdout.Write(r.Marshal()) // to a terminal or a file of the caller's
		return good
	}
	t := tabwriter.NewWriter(stdout, 0, 0, 2, ' ', 0)
	for _, b := range all {
		note := ""
		if b.Status.Experimental {
			note = "experimental: " + b.Status.Why.EN
		}
		_, _ = fmt.Fprintf(t, "%s\t%s\t%s\t%s\n", b.Name, b.Title, b.Image.Architecture, note)
	}
	_ = t.Flush() // to a terminal or a file of the caller's
	_, _ = fmt.Fprintf(stdout, "\nthis machine: %v\nits board: %s, since %s\n", r.Found, r.Matched.Board, r.Matched.Why)
	if !r.Matched.Exact {
		_, _ = fmt.Fprintln(stdout, "ports and pins may differ; «penjire board ls --json» is the report to send to whoever writes boards")
	}
	return good
}
