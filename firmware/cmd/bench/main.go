// Command bench brings up the whole product on one machine, with emulated
// devices and a page to play with them. `make run` starts it.
//
//	bench [-addr 127.0.0.1:8080] [-dir .run] [-packs folder] [-fresh] [-bin folder] [-speed mm/s]
//
// It ends with 0 after SIGINT or SIGTERM, when every process that it started has
// ended; with 1 when something could not be brought up; with 2 when it was
// called wrongly.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"

	"github.com/penjire/penjire/firmware/demo/bench"
)

func main() { os.Exit(run(os.Args[1:], os.Stdout, os.Stderr)) }

func run(args []string, stdout, stderr io.Writer) int {
	f := flag.NewFlagSet("bench", flag.ContinueOnError)
	f.SetOutput(stderr)
	o := bench.Options{Out: stdout}
	f.StringVar(&o.Addr, "addr", "127.0.0.1:8080", "address of the bench's page, on loopback")
	f.StringVar(&o.Dir, "dir", ".run", "folder of the demonstration world; made if it is not there")
	f.StringVar(&o.Packs, "packs", "", "folder of further service packs")
	f.BoolVar(&o.Fresh, "fresh", false, "the kiosk is a new board that has to be enrolled with a one-time code")
	f.StringVar(&o.Bin, "bin", "", "folder with portald and penjired (that of bench itself)")
	f.Float64Var(&o.Speed, "speed", 60, "of the emulated printer, in mm per second; -1: at once")
	if err := f.Parse(args); err != nil {
		if errors.Is(err, flag.ErrHelp) {
			return 0
		}
		return 2
	}
	if f.NArg() > 0 {
		_, _ = fmt.Fprintf(stderr, "bench: got argument %q, want none\n", f.Arg(0))
		return 2
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := bench.Run(ctx, o); err != nil {
		_, _ = fmt.Fprintln(stderr, err)
		return 1
	}
	return 0
}
