package kiosk

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"sync"
	"time"

	"github.com/penjire/penjire/drivers/registry"
	"github.com/penjire/penjire/ui/web"
)

// Addr returns host:port of the screens.
func (k *Kiosk) Addr() string { return k.screens.Addr().String() }

// Run serves the kiosk until ctx ends, then closes it. It returns nil unless
// something that cannot be mended by itself broke.
func (k *Kiosk) Run(ctx context.Context) error {
	ctx, stop := context.WithCancelCause(ctx)
	defer stop(nil)
	var wg sync.WaitGroup
	run := func(what string, f func(context.Context) error) {
		wg.Go(func() {
			if err := f(ctx); err != nil && ctx.Err() == nil {
				stop(fmt.Errorf("kiosk: %s: %w", what, err))
			}
		})
	}
	mm := k.s.MM
	if mm == 0 {
		mm = k.board.Display.PxPerMM
	}
	var shown web.Kiosk = k
	if k.front != nil {
		shown = k.front(k)
	}
	screens := web.NewServer(web.Config{
		Kiosk: shown, MMPx: mm, Width: k.board.Display.Width, Height: k.board.Display.Height,
		Frame: k.s.Frames, Log: k.log, Painted: k.painted,
	})
	run("screens", func(ctx context.Context) error { return serve(ctx, k.screens, screens) })
	run("control socket", func(ctx context.Context) error { return serve(ctx, k.control, k.controlHandler()) })
	run("printing", k.worker.Run)
	run("uplink", k.up.Run)
	run("first ticket", k.firstTicket)
	run("watch", k.watch)
	run("cabinet", k.watchCabinet)
	if k.sheets != nil {
		run("sheets", k.watchSheets)
	}
	run("power", k.watchPower)
	run("temperature and battery clock", k.tendCabinet)
	run("watchdog", k.kickWatchdog)
	run("keys", k.watchKeys)
	run("certificates", k.watchCertificates)
	run("service", func(ctx context.Context) error {
		select {
		case <-ctx.Done():
			return nil
		case <-k.gone:
		}
		select {
		case <-ctx.Done():
		case <-time.After(leaveTime):
		}
		return ErrDecommissioned
	})
	if k.upd.Updater != nil {
		run("updates", k.upd.Run)
		run("sticks", k.watchStick)
	}
	if k.reader != nil {
		run("card reader", k.cards)
	}
	<-ctx.Done()
	wg.Wait()
	err := context.Cause(ctx)
	if errors.Is(err, context.Canceled) {
		err = nil
	}
	return errors.Join(err, k.Close())
}

// Close ends the visit and closes everything. It may be called twice.
func (k *Kiosk) Close() error {
	k.mu.Lock()
	k.endVisit()
	k.mu.Unlock()
	k.cancel()
	k.tasks.Wait()
	var errs []error
	for _, l := range []net.Listener{k.screens, k.control} {
		if l != nil {
			if err := l.Close(); err != nil && !errors.Is(err, net.ErrClosed) {
				errs = append(errs, fmt.Errorf("kiosk: close a listener: %w", err))
			}
		}
	}
	if err := registry.Halt(k.loaded); err != nil {
		errs = append(errs, fmt.Errorf("kiosk: %w", err))
	}
	errs = append(errs, k.closeBooks())
	if k.codes != nil {
		errs = append(errs, k.codes.close())
	}
	errs = append(errs, k.keys.Close())
	if k.box != nil {
		if err := k.box.Close(); err != nil {
			errs = append(errs, fmt.Errorf("kiosk: close the outbox: %w", err))
		}
	}
	return errors.Join(errs...)
}

// serve answers HTTP on l until ctx ends. Streams of events end with ctx.
func serve(ctx context.Context, l net.Listener, h http.Handler) error {
	srv := &http.Server{
		Handler: h, ReadHeaderTimeout: 10 * time.Second, IdleTimeout: 2 * time.Minute,
		BaseContext: func(net.Listener) context.Context { return ctx },
	}
	done := make(chan struct{})
	stop := context.AfterFunc(ctx, func() {
		defer close(done)
		grace, cancel := context.WithTimeout(context.WithoutCancel(ctx), 2*time.Second)
		defer cancel()
		if srv.Shutdown(grace) != nil {
			_ = srv.Close() // whoever is still connected had their time
		}
	})
	err := srv.Serve(l)
	if errors.Is(err, http.ErrServerClosed) {
		err = nil
	}
	if !stop() {
		<-done
	}
	return err
}
