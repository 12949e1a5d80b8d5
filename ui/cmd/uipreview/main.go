// Command uipreview shows every page of the kiosk in every state, with specimen
// data, for those who write, translate or draw.
//
//	go run ./ui/cmd/uipreview -addr 127.0.0.1:8070
//
// The first page lists all others. The query says the language, the text size
// and the colours: /show/question-street?lang=ru&size=1&theme=dark. Buttons
// lead back to the list.
package main

import (
	"flag"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"time"

	"github.com/penjire/penjire/ui/uitest/preview"
)

func main() { os.Exit(run(os.Args[1:], os.Stdout, os.Stderr)) }

func run(args []string, out, errs io.Writer) int {
	f := flag.NewFlagSet("uipreview", flag.ContinueOnError)
	f.SetOutput(errs)
	addr := f.String("addr", "127.0.0.1:8070", "loopback address to listen on")
	mm := f.Float64("mm", 4.2, "pixels per millimetre of the display")
	if f.Parse(args) != nil {
		return 2
	}
	l, err := net.Listen("tcp", *addr)
	if err != nil {
		fmt.Fprintln(errs, "uipreview:", err)
		return 1
	}
	fmt.Fprintf(out, "http://%s/\n", l.Addr())
	srv := &http.Server{Handler: preview.New(*mm), ReadHeaderTimeout: 5 * time.Second}
	if err := srv.Serve(l); err != nil {
		fmt.Fprintln(errs, "uipreview:", err)
		return 1
	}
	return 0
}
