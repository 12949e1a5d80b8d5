// Command penjire-screen keeps the browser of a kiosk going. It is the one client
// of cage, and starts the browser below itself:
//
//	cage -d -- penjire-screen -page /run/penjire/page -profile /run/penjire-screen/profile -- chromium --kiosk … http://127.0.0.1:7780/
//
// A browser that ends is started anew; one that paints no page any more while the
// daemon answers is killed first (-silent). Each begins with an empty profile, and
// when a visit is over and nobody has begun another (-fresh) the browser is started
// anew too: nothing of a citizen outlives the visit, in whatever corner of a browser
// it may lie. systemd's watchdog is told that all is well as long as a page was
// painted lately or the daemon is what is missing.
//
// Exit statuses: 0 stopped when asked, 1 the browser cannot be started, 2 wrong
// arguments.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/penjire/penjire/firmware/sdnotify"
)

func main() { os.Exit(run(os.Args[1:], os.Stderr)) }

func run(args []string, stderr io.Writer) int {
	fs := flag.NewFlagSet("penjire-screen", flag.ContinueOnError)
	fs.SetOutput(stderr)
	var k keeper
	fs.StringVar(&k.page, "page", "/run/penjire/page", "`file` that the daemon writes whenever a page was painted")
	fs.StringVar(&k.profile, "profile", "", "`folder` of the browser's profile; it is emptied before each start")
	fs.DurationVar(&k.limits.first, "first", 2*time.Minute, "how long a browser has to paint its first page")
	fs.DurationVar(&k.limits.silent, "silent", 40*time.Second, "how long it may then paint none")
	fs.DurationVar(&k.limits.fresh, "fresh", 20*time.Second, "how long after a visit a browser is started anew; 0: never")
	if err := fs.Parse(args); err != nil || fs.NArg() == 0 || k.profile == "" {
		if errors.Is(err, flag.ErrHelp) {
			return 0
		}
		_, _ = fmt.Fprintln(stderr, "penjire-screen: usage: penjire-screen -profile FOLDER -- BROWSER [ARGUMENT]…")
		return 2
	}
	k.command, k.log = fs.Args(), slog.New(slog.NewTextHandler(stderr, nil))
	k.url = k.command[len(k.command)-1]
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM, syscall.SIGHUP)
	defer stop()
	told := make(chan struct{})
	go func() {
		defer close(told)
		sdnotify.New().Keep(ctx, k.well, k.log)
	}()
	err := k.run(ctx)
	stop()
	<-told
	if err != nil {
		_, _ = fmt.Fprintf(stderr, "penjire-screen: %v\n", err)
		return 1
	}
	return 0
}
