package virtual

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"image"
	"image/png"
	"net"
	"os"
	"sync"
)

// control speaks QMP, the JSON protocol with which QEMU is told what to do
// (QEMU, "QEMU Machine Protocol Specification", docs/interop/qmp-spec).
type control struct {
	conn net.Conn

	mu      sync.Mutex
	next    int
	waiting map[int]chan answer
	ended   error
	event   func(name string, data json.RawMessage)
}

type answer struct {
	Return json.RawMessage
	Error  *struct{ Class, Desc string }
}

// dial takes over a connection on which QEMU greets. Each event is given to event,
// which must not block.
func dial(ctx context.Context, conn net.Conn, event func(string, json.RawMessage)) (*control, error) {
	c := &control{conn: conn, waiting: map[int]chan answer{}, event: event}
	go c.read()
	return c, c.Do(ctx, "qmp_capabilities", nil, nil)
}

func (c *control) read() {
	in := json.NewDecoder(bufio.NewReader(c.conn))
	var err error
	for {
		var m struct {
			answer
			ID    int
			Event string
			Data  json.RawMessage
		}
		if err = in.Decode(&m); err != nil {
			break
		}
		switch {
		case m.Event != "":
			c.event(m.Event, m.Data)
		case m.ID != 0:
			c.mu.Lock()
			w := c.waiting[m.ID]
			delete(c.waiting, m.ID)
			c.mu.Unlock()
			if w != nil {
				w <- m.answer
			}
		}
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.ended = fmt.Errorf("QEMU has gone: %w", err)
	for _, w := range c.waiting {
		close(w)
	}
	c.waiting = nil
}

// Do has QEMU execute a command and decodes what it returns into out, unless that
// is nil.
func (c *control) Do(ctx context.Context, command string, args, out any) error {
	w := make(chan answer, 1)
	c.mu.Lock()
	if c.ended != nil {
		defer c.mu.Unlock()
		return fmt.Errorf("%s: %w", command, c.ended)
	}
	c.next++
	id := c.next
	c.waiting[id] = w
	order := map[string]any{"execute": command, "id": id}
	if args != nil {
		order["arguments"] = args
	}
	b, err := json.Marshal(order)
	if err == nil {
		_, err = c.conn.Write(append(b, '\n'))
	}
	c.mu.Unlock()
	if err != nil {
		return fmt.Errorf("%s: %w", command, err)
	}
	select {
	case <-ctx.Done():
		return fmt.Errorf("%s: %w", command, context.Cause(ctx))
	case a, ok := <-w:
		switch {
		case !ok:
			return fmt.Errorf("%s: QEMU has gone", command)
		case a.Error != nil:
			return fmt.Errorf("%s: %s", command, a.Error.Desc)
		case out != nil:
			return json.Unmarshal(a.Return, out)
		}
		return nil
	}
}

// Screenshot returns what is on the machine's screen and keeps it in file, as PNG.
func (m *Machine) Screenshot(ctx context.Context, file string) (image.Image, error) {
	if err := m.control.Do(ctx, "screendump", map[string]any{"filename": file, "format": "png"}, nil); err != nil {
		return nil, err
	}
	f, err := os.Open(file)
	if err != nil {
		return nil, err
	}
	defer func() { _ = f.Close() }() // it was only read
	return png.Decode(f)
}

// Press presses and releases keys together, by QEMU's names of them (QKeyCode):
// "ctrl", "shift", "i".
func (m *Machine) Press(ctx context.Context, keys ...string) error {
	var held []map[string]string
	for _, k := range keys {
		held = append(held, map[string]string{"type": "qcode", "data": k})
	}
	return m.control.Do(ctx, "send-key", map[string]any{"keys": held}, nil)
}

// Click moves the pointer of a tablet to x and y, each between 0 and 1 of the
// screen, and presses its left button.
func (m *Machine) Click(ctx context.Context, x, y float64) error {
	axis := func(name string, v float64) map[string]any {
		return map[string]any{"type": "abs", "data": map[string]any{"axis": name, "value": int(v * 0x7fff)}}
	}
	button := func(down bool) map[string]any {
		return map[string]any{"type": "btn", "data": map[string]any{"button": "left", "down": down}}
	}
	for _, events := range [][]map[string]any{{axis("x", x), axis("y", y)}, {button(true)}, {button(false)}} {
		if err := m.control.Do(ctx, "input-send-event", map[string]any{"events": events}, nil); err != nil {
			return err
		}
	}
	return nil
}

// Reset pushes the machine's reset button: its disks keep what they were given.
func (m *Machine) Reset(ctx context.Context) error {
	return m.control.Do(ctx, "system_reset", nil, nil)
}

// PowerButton pushes the machine's power button; what happens is up to the guest.
func (m *Machine) PowerButton(ctx context.Context) error {
	return m.control.Do(ctx, "system_powerdown", nil, nil)
}
