package main

import (
	"context"
	"flag"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"time"

	"github.com/penjire/penjire/firmware/kiosk"
	"github.com/penjire/penjire/firmware/printing"
)

// ticketCommand is penjire ticket.
func ticketCommand(ctx context.Context, args []string, stdout, stderr io.Writer) int {
	fs := flag.NewFlagSet("penjire ticket", flag.ContinueOnError)
	from := controlFlags(fs)
	lang := fs.String("lang", language(os.Getenv), "`language` of the ticket: tk, ru or en")
	asJSON := fs.Bool("json", false, "print JSON")
	if st, done := parseFlags(fs, args, stderr); done {
		return st
	}
	if fs.NArg() != 0 {
		_, _ = fmt.Fprintln(stderr, "usage: penjire ticket [--lang tk|ru|en] [--settings FILE] [--socket PATH] [--json]")
		return usage
	}
	at, ok := from.where(stderr)
	if !ok {
		return usage
	}
	var out kiosk.TicketStatus
	raw, err := askJSON(ctx, http.MethodPost, at, "/ticket?lang="+url.QueryEscape(*lang), 3*time.Minute, &out)
	if err != nil {
		return noKiosk(stderr, at, err)
	}
	if *asJSON {
		_, _ = stdout.Write(raw)
	} else {
		showTicket(stdout, out)
	}
	if out.Outcome != kiosk.TicketPrinted {
		return bad
	}
	return good
}

func showTicket(w io.Writer, t kiosk.TicketStatus) {
	for _, d := range t.Devices {
		state := string(d.State)
		if d.State == printing.Unknown {
			state = "unknown"
		}
		_, _ = fmt.Fprintf(w, "%-8s %s (%s): %s\n", state, d.Name, d.Class, d.Words)
	}
	_, _ = fmt.Fprintf(w, "%s\nticket: %s", t.Short, t.Outcome)
	if t.Why != printing.WhyNothing {
		_, _ = fmt.Fprintf(w, " (%s)", t.Why)
	}
	_, _ = fmt.Fprintln(w)
}
