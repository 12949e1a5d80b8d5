package main

import (
	"flag"
	"fmt"
	"io"
	"os"

	"github.com/penjire/penjire/firmware/hardware"
)

// hardwareCommand is penjire hardware.
func hardwareCommand(args []string, stdout, stderr io.Writer) int {
	fs := flag.NewFlagSet("penjire hardware", flag.ContinueOnError)
	root := fs.String("root", "/", "root `folder` of the machine")
	asJSON := fs.Bool("json", false, "print the report as JSON")
	out := fs.String("out", "", "write the report to `FILE`, to be sent to the makers of boards")
	if st, done := parseFlags(fs, args, stderr); done {
		return st
	}
	if fs.NArg() != 0 {
		_, _ = fmt.Fprintln(stderr, "usage: penjire hardware [--json] [--out FILE] [--root FOLDER]")
		return usage
	}
	image := ""
	if b, err := imageBoard(); err == nil {
		image = b.Name
	}
	r, err := hardware.Look(*root, image)
	if err == nil && *out != "" {
		err = os.WriteFile(*out, r.Marshal(), 0o644)
	}
	if err == nil && *asJSON {
		_, err = stdout.Write(r.Marshal())
	} else if err == nil {
		err = r.Page(stdout)
	}
	if err != nil {
		_, _ = fmt.Fprintf(stderr, "penjire: %v\n", err)
		return blind
	}
	m := r.Machine.Matched
	if m.Exact && (image == "" || image == m.Board) {
		return good
	}
	hint := "send the file that --out writes to the makers of boards"
	if *out != "" {
		hint = "send " + *out + " to the makers of boards"
	}
	_, _ = fmt.Fprintf(stderr, "penjire: this machine is not known exactly: %s\nhint: %s; it holds no serial numbers and no addresses\n", m.Why, hint)
	return bad
}
