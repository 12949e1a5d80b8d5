package sanescanner

import (
	"encoding/binary"
	"image"
	"io"
	"net"
	"sync"
	"time"
)

// client is who speaks with saned on one connection.
type client struct {
	s   *Scanner
	in  io.Reader
	out io.Writer

	pictures sync.WaitGroup
	mu       sync.Mutex
	data     net.Listener // of the picture under way
	conn     net.Conn
}

// stop ends the picture under way.
func (c *client) stop() {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.data != nil {
		_ = c.data.Close()
		c.data = nil
	}
	if c.conn != nil {
		_ = c.conn.Close()
		c.conn = nil
	}
}

func (c *client) reply(w *writer) error {
	_, err := c.out.Write(w.b)
	return err
}

// skip reads n words.
func (c *client) skip(n int) error {
	for range n {
		if _, err := word(c.in); err != nil {
			return err
		}
	}
	return nil
}

// call carries out one call.
func (c *client) call(code uint32) error {
	w := new(writer)
	switch code {
	case 0: // init
		if err := c.skip(1); err != nil {
			return err
		}
		if _, err := text(c.in); err != nil {
			return err
		}
		return c.reply(w.words(Good, 1<<24|3))
	case 1: // devices: a list that ends with nothing
		if c.s.Listed != nil && !c.s.Listed() {
			return c.reply(w.words(Good, 1, 1))
		}
		w.words(Good, 2, 0).text(Name).text("Penjire").text("Sheet in software").text("sheetfed scanner")
		return c.reply(w.words(1))
	case 2: // open
		name, err := text(c.in)
		if err != nil {
			return err
		}
		c.s.mu.Lock()
		c.s.dpi, c.s.gray = 0, false // opened, it is as it was made
		c.s.mu.Unlock()
		status := uint32(4)
		if name == Name {
			status = Good
		}
		return c.reply(w.words(status, 7, 0))
	case 3, 8: // close, cancel
		c.stop()
		if err := c.skip(1); err != nil {
			return err
		}
		return c.reply(w.words(0))
	case 4: // options
		if err := c.skip(1); err != nil {
			return err
		}
		return c.reply(options())
	case 5:
		return c.control()
	case 6: // parameters
		if err := c.skip(1); err != nil {
			return err
		}
		return c.reply(c.s.parameters(w))
	case 7: // start
		if err := c.skip(1); err != nil {
			return err
		}
		return c.start()
	}
	return errEnd // exit, or nothing that there is
}

// options describes the scanner's settings.
func options() *writer {
	w := new(writer).words(5)
	head := func(name string, kind, unit, size, cap uint32) *writer {
		return w.words(0).text(name).text(name).text("").words(kind, unit, size, cap)
	}
	head("", 1, 0, 4, 4).words(0)
	head("mode", 3, 0, 16, 5).words(3, 3).text("Color").text("Gray").words(0)
	head("resolution", 1, 4, 4, 5).words(1, 0, 50, 300, 50)
	head("depth", 1, 2, 4, 5).words(2, 2, 1, 8)
	head("source", 3, 0, 16, 5).words(3, 3).text("ADF").text("Flatbed").words(0)
	return w
}

// control sets an option.
func (c *client) control() error {
	var v [6]uint32 // handle, option, action, type, size, length
	for i := range v {
		x, err := word(c.in)
		if err != nil {
			return err
		}
		v[i] = x
	}
	n := v[5]
	if v[3] != 3 {
		n *= 4
	}
	if n > 1<<16 {
		return errEnd
	}
	b := make([]byte, n)
	if _, err := io.ReadFull(c.in, b); err != nil {
		return err
	}
	c.s.mu.Lock()
	status, info := uint32(Good), uint32(0)
	switch {
	case v[1] == 1 && len(b) > 0:
		c.s.gray = b[0] == 'G'
		info = 2 | 4
	case v[1] == 2 && len(b) == 4:
		c.s.dpi = int(binary.BigEndian.Uint32(b))
		info = 4
	case v[1] == 3, v[1] == 4:
	default:
		status = 4
	}
	c.s.mu.Unlock()
	w := new(writer).words(status, info, v[3], v[4], v[5])
	w.b = append(w.b, b...)
	return c.reply(w.words(0))
}

// picture returns what a picture shows now.
func (s *Scanner) picture() (m image.Image, gray bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	dpi := s.dpi
	if dpi == 0 {
		dpi = BaseDPI
	}
	return Picture(s.sheet, dpi, s.gray), s.gray
}

func (s *Scanner) parameters(w *writer) *writer {
	m, gray := s.picture()
	b := m.Bounds()
	format, stride := uint32(1), uint32(3*b.Dx())
	if gray {
		format, stride = 0, uint32(b.Dx())
	}
	return w.words(Good, format, 1, stride, uint32(b.Dx()), uint32(b.Dy()), 8)
}

// start begins a picture.
func (c *client) start() error {
	c.s.mu.Lock()
	status, k := c.s.feeder, Kind(0)
	if status == Good {
		k = c.s.hit()
		c.s.count++
	}
	c.s.mu.Unlock()
	if status != Good {
		return c.reply(new(writer).words(uint32(status), 0, 0, 0))
	}
	switch k {
	case CutStart:
		return errEnd
	case SilentStart:
		_, err := io.Copy(io.Discard, c.in)
		return err
	case GarbageStart:
		return c.reply(new(writer).words(0xA5A5A5A5, 0xA5A5A5A5, 0xA5A5A5A5, 0xA5A5A5A5, 0xA5A5A5A5))
	}
	l, err := c.s.Listen(0)
	if err != nil {
		return err
	}
	port := l.Addr().(*net.TCPAddr).Port
	if k == NoPicture {
		if err := l.Close(); err != nil {
			return err
		}
		return c.reply(new(writer).words(Good, uint32(port), 0x4321, 0))
	}
	c.mu.Lock()
	c.data = l
	c.mu.Unlock()
	c.pictures.Go(func() {
		conn, err := l.Accept()
		_ = l.Close()
		if err != nil {
			return
		}
		c.mu.Lock()
		gone := c.data != l
		if !gone {
			c.conn = conn
		}
		c.mu.Unlock()
		if !gone {
			c.send(conn, k)
		}
		_ = conn.Close()
	})
	return c.reply(new(writer).words(Good, uint32(port), 0x4321, 0))
}

// send sends the picture in records.
func (c *client) send(conn net.Conn, k Kind) {
	m, gray := c.s.picture()
	b := m.Bounds()
	var pix []byte
	for y := range b.Dy() {
		for x := range b.Dx() {
			r, g, bl, _ := m.At(x, y).RGBA()
			if gray {
				pix = append(pix, byte(r>>8))
			} else {
				pix = append(pix, byte(r>>8), byte(g>>8), byte(bl>>8))
			}
		}
	}
	stride := len(pix) / b.Dy()
	half := b.Dy() / 2 * stride
	record := func(b []byte) bool {
		_, err := conn.Write(append(binary.BigEndian.AppendUint32(nil, uint32(len(b))), b...))
		return err == nil
	}
	end := func(status byte) { _, _ = conn.Write(append(binary.BigEndian.AppendUint32(nil, endBytes), status)) } // who hung up does not mind
	time.Sleep(pace)
	if !record(pix[:half]) {
		return
	}
	c.s.mu.Lock()
	middle := c.s.middle
	c.s.middle = nil
	c.s.mu.Unlock()
	if middle != nil {
		middle()
	}
	switch k {
	case CutPicture:
		return
	case StillPicture:
		_, _ = io.Copy(io.Discard, conn)
		return
	case JamPicture:
		end(Jammed)
		return
	case ShortPicture:
		end(endOK)
		return
	case LongPicture:
		record(pix)
	}
	if record(pix[half:]) {
		end(endOK)
	}
}
