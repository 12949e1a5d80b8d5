package sane

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"image"
	"maps"
	"net"
	"os"
	"slices"
	"strconv"
	"time"

	"github.com/penjire/penjire/drivers/device"
)

// errAbsent is a scanner that saned does not list.
var errAbsent = fmt.Errorf("scanner is not on saned's list: %w", device.ErrUnplugged)

// session is one connection to saned. It is spoken on by who holds the bus.
type session struct {
	d    *Dev
	conn net.Conn
	in   *bufio.Reader
}

// connect calls saned and introduces itself.
func (d *Dev) connect(ctx context.Context) (*session, error) {
	c, err := d.dial(ctx, d.port)
	if err != nil {
		return nil, err
	}
	s := &session{d: d, conn: c, in: bufio.NewReader(c)}
	err = s.ask(ctx, d.o.Answer, call(callInit).word(version).text("penjire"), func(a *answer) {
		a.status()
		if v := a.word(); a.good() && v>>24 != version>>24 {
			a.wrong("saned speaks version %#x", v)
		}
	})
	if err != nil {
		s.close()
		return nil, err
	}
	return s, nil
}

// dial opens a connection to the host.
func (d *Dev) dial(ctx context.Context, port string) (net.Conn, error) {
	ctx, cancel := context.WithTimeout(ctx, d.o.Answer)
	defer cancel()
	c, err := d.o.Dial(ctx, "tcp", net.JoinHostPort(d.host, port))
	if err != nil {
		return nil, fmt.Errorf("%w: %w", device.ErrUnplugged, err)
	}
	return c, nil
}

func (s *session) close() {
	_ = s.conn.SetDeadline(time.Now().Add(100 * time.Millisecond)) // a courtesy may not take long
	_, _ = s.conn.Write(call(callExit).b)
	_ = s.conn.Close()
}

// ask sends a call and reads the answer within limit.
func (s *session) ask(ctx context.Context, limit time.Duration, r *request, read func(*answer)) error {
	err := bounded(ctx, s.conn, limit, func() error {
		if _, err := s.conn.Write(r.b); err != nil {
			return err
		}
		a := &answer{r: s.in}
		read(a)
		return a.end()
	})
	return broken(ctx, err)
}

// bounded does f, in which I/O on c ends with limit or ctx.
func bounded(ctx context.Context, c net.Conn, limit time.Duration, f func() error) error {
	if err := c.SetDeadline(time.Now().Add(limit)); err != nil {
		return err
	}
	stop := context.AfterFunc(ctx, func() { _ = c.SetDeadline(time.Unix(1, 0)) }) // a connection that is gone needs none
	defer stop()
	if err := ctx.Err(); err != nil {
		return err
	}
	return f()
}

// broken gives an I/O error its meaning for a device.
func broken(ctx context.Context, err error) error {
	switch {
	case err == nil, isStatus(err), errors.Is(err, device.ErrProtocol), errors.Is(err, device.ErrUnsupported), errors.Is(err, device.ErrTimeout):
		return err
	case ctx.Err() != nil:
		return context.Cause(ctx)
	case errors.Is(err, os.ErrDeadlineExceeded):
		return fmt.Errorf("%w: %w", device.ErrTimeout, err)
	}
	return fmt.Errorf("%w: %w", device.ErrUnplugged, err)
}

// find returns the name of the scanner, if it is there.
func (s *session) find(ctx context.Context, name string) (string, error) {
	var all []string
	err := s.ask(ctx, s.d.o.Answer, call(callDevices), func(a *answer) { all = a.devices() })
	switch {
	case err != nil:
		return "", fmt.Errorf("ask for scanners: %w", err)
	case name == "" && len(all) > 0:
		return all[0], nil
	case !slices.Contains(all, name):
		return "", errAbsent
	}
	return name, nil
}

// scan takes one picture. moved says whether a sheet may have moved.
func (s *session) scan(ctx context.Context, dpi int) (img image.Image, moved bool, err error) {
	name, err := s.find(ctx, s.d.o.Device)
	if err != nil {
		return nil, false, err
	}
	var handle uint32
	err = s.ask(ctx, s.d.o.Answer, call(callOpen).text(name), func(a *answer) {
		a.status()
		handle = uint32(a.word())
		unauthorized(a, a.text())
	})
	if err != nil {
		return nil, false, fmt.Errorf("open %s: %w", name, err)
	}
	defer func() {
		// The scanner is let go whatever happened; an answer that is missing ends the session.
		end := call(callCancel).word(handle)
		cerr := s.ask(ctx, s.d.o.Answer, end, func(a *answer) { a.word() })
		if cerr == nil {
			cerr = s.ask(ctx, s.d.o.Answer, call(callClose).word(handle), func(a *answer) { a.word() })
		}
		if cerr != nil {
			s.d.drop() // some backends end with a picture that failed, and saned with them
		}
	}()
	if err := s.prepare(ctx, handle, dpi); err != nil {
		return nil, false, err
	}
	return s.picture(ctx, handle)
}

// unauthorized refuses a scanner that asks for a password (5.2.10).
func unauthorized(a *answer, resource string) {
	if a.good() && resource != "" {
		a.err = fmt.Errorf("saned wants a password for %q: %w", resource, device.ErrUnsupported)
	}
}

// prepare sets the options.
func (s *session) prepare(ctx context.Context, handle uint32, dpi int) error {
	options, err := s.options(ctx, handle)
	if err != nil {
		return err
	}
	set := func(name, value string, must bool) error {
		i := slices.IndexFunc(options, func(o option) bool { return o.name == name })
		if i < 0 || !options[i].settable() {
			if must {
				return fmt.Errorf("scanner has no option %s: %w", name, device.ErrUnsupported)
			}
			return nil
		}
		changed, err := s.set(ctx, handle, &options[i], value)
		if err == nil && changed {
			options, err = s.options(ctx, handle)
		}
		if err != nil {
			return fmt.Errorf("set %s: %w", name, err)
		}
		return nil
	}
	for _, name := range slices.Sorted(maps.Keys(s.d.o.Options)) {
		if err := set(name, s.d.o.Options[name], true); err != nil {
			return err
		}
	}
	if i := slices.IndexFunc(options, func(o option) bool { return o.name == "mode" }); i >= 0 {
		mode := s.d.o.Mode
		for _, m := range []string{"Color", "Gray"} {
			if mode == "" && slices.Contains(options[i].texts, m) {
				mode = m
			}
		}
		if mode != "" {
			if err := set("mode", mode, s.d.o.Mode != ""); err != nil {
				return err
			}
		}
	}
	if err := set("depth", "8", false); err != nil {
		return err
	}
	if dpi == 0 {
		return nil
	}
	return set("resolution", strconv.Itoa(dpi), false)
}

func (s *session) options(ctx context.Context, handle uint32) (out []option, err error) {
	err = s.ask(ctx, s.d.o.Answer, call(callOptions).word(handle), func(a *answer) { out = a.options() })
	if err != nil {
		return nil, fmt.Errorf("ask for options: %w", err)
	}
	return out, nil
}

// Flags in an answer to callControl (4.4.3), and the action of setting.
const (
	infoReloadOptions = 1 << 1
	actionSet         = 1
)

// set sets an option and reports whether the others changed with it.
func (s *session) set(ctx context.Context, handle uint32, o *option, value string) (changed bool, err error) {
	b, err := o.encode(value)
	if err != nil {
		return false, fmt.Errorf("%w: %w", device.ErrUnsupported, err)
	}
	r := call(callControl).word(handle).word(uint32(o.index)).word(actionSet).word(uint32(o.kind)).word(uint32(len(b)))
	if o.kind == typeString {
		r.word(uint32(len(b)))
	} else {
		r.word(uint32(len(b) / 4))
	}
	r.b = append(r.b, b...)
	err = s.ask(ctx, s.d.o.Answer, r, func(a *answer) { changed = a.control() })
	return changed, err
}

// control reads the answer to callControl.
func (a *answer) control() (changed bool) {
	a.status()
	info, kind := a.word(), a.word()
	a.word() // size of the value, which comes in its own form
	n := a.count(maxText)
	if kind != typeString {
		n = min(n, maxText/4) * 4
	}
	a.bytes(n)
	unauthorized(a, a.text())
	return info&infoReloadOptions != 0
}

// picture starts the scanner and reads what it sees.
func (s *session) picture(ctx context.Context, handle uint32) (img image.Image, moved bool, err error) {
	var port, order int
	err = s.ask(ctx, s.d.o.Start, call(callStart).word(handle), func(a *answer) {
		moved = true // what is not answered may have begun
		a.status()
		port, order = a.word(), a.word()
		unauthorized(a, a.text())
		if a.good() && (port < 1 || port > 65535) {
			a.wrong("picture is at port %d", port)
		}
	})
	if err != nil {
		if errors.Is(err, statusNoDocuments) || errors.Is(err, statusCoverOpen) || errors.Is(err, device.ErrBusy) || errors.Is(err, device.ErrUnsupported) {
			moved = false
		}
		return nil, moved, fmt.Errorf("start: %w", err)
	}
	data, err := s.d.dial(ctx, strconv.Itoa(port))
	if err != nil {
		return nil, true, fmt.Errorf("fetch the picture: %w", err)
	}
	defer func() { _ = data.Close() }() // it was read to its end, or is given up
	// What the picture is like is only certain once the scanner has started (4.3.9).
	var p parameters
	err = s.ask(ctx, s.d.o.Answer, call(callParameters).word(handle), func(a *answer) { p = a.parameters() })
	if err != nil {
		return nil, true, fmt.Errorf("ask for the picture's size: %w", err)
	}
	var pix []byte
	err = bounded(ctx, data, s.d.o.Stall, func() (err error) {
		pix, err = receive(data, p, func() {
			_ = data.SetDeadline(time.Now().Add(s.d.o.Stall)) // it fails on what has ended, and so will reading
			if ctx.Err() != nil {
				_ = data.SetDeadline(time.Unix(1, 0))
			}
		})
		return err
	})
	if err != nil {
		return nil, true, broken(ctx, err)
	}
	img, err = p.develop(pix, order == 0x1234)
	return img, true, err
}
