package pcscd

import (
	"io"
	"sync"

	"github.com/penjire/penjire/drivers/pcsc"
)

// client is one connection. What is below waiting is guarded by the daemon's mu.
type client struct {
	d    *Daemon
	line io.ReadWriter
	wmu  sync.Mutex
	late sync.WaitGroup // events being written

	waiting bool
	context uint32
	handles map[uint32]*handle
}

// handle is a card that a client has connected with.
type handle struct{ reset, removed bool }

// Serve answers one client until its connection ends. It may run several times
// at once.
func (d *Daemon) Serve(line io.ReadWriter) {
	c := &client{d: d, line: line, handles: map[uint32]*handle{}}
	d.mu.Lock()
	d.clients[c] = true
	d.mu.Unlock()
	for c.one() {
	}
	d.mu.Lock()
	delete(d.clients, c)
	// A client that dies while it has the card alone leaves it reset.
	for id := range c.handles {
		if d.lock == id {
			d.lock = 0
			if d.card != nil {
				d.reset(nil)
			}
		}
	}
	d.mu.Unlock()
	c.late.Wait()
}

func (c *client) write(b []byte) bool {
	c.wmu.Lock()
	defer c.wmu.Unlock()
	_, err := c.line.Write(b)
	return err == nil
}

func (c *client) read(n uint32) ([]byte, bool) {
	if n > pcsc.MaxAPDU {
		return nil, false
	}
	b := make([]byte, n)
	_, err := io.ReadFull(c.line, b)
	return b, err == nil
}

// sizes are what the original insists on.
var sizes = map[pcsc.Command]uint32{
	pcsc.Version: 12, pcsc.EstablishContext: 12, pcsc.ReleaseContext: 8, pcsc.Connect: pcsc.ConnectSize,
	pcsc.Reconnect: 24, pcsc.Disconnect: 12, pcsc.BeginTransaction: 8, pcsc.EndTransaction: 12,
	pcsc.Transmit: pcsc.TransmitSize,
}

// one answers one message. false means that the connection is over.
func (c *client) one() bool {
	h, ok := c.read(pcsc.HeaderSize)
	if !ok {
		return false
	}
	cmd, size := pcsc.Command(pcsc.Word(h, 1)), pcsc.Word(h, 0)
	switch cmd {
	case pcsc.ReadersState, pcsc.WaitStateChange, pcsc.StopWaiting:
		// They have no body. What follows is the next header, as in the original.
		return c.watch(cmd)
	}
	if want, known := sizes[cmd]; !known || size != want {
		return false
	}
	b, ok := c.read(size)
	if !ok {
		return false
	}
	switch cmd {
	case pcsc.Version:
		return c.version(b)
	case pcsc.EstablishContext:
		c.d.mu.Lock()
		c.d.next++
		c.context = c.d.next
		c.d.mu.Unlock()
		return c.write(pcsc.Words(pcsc.Word(b, 0), c.context, uint32(pcsc.OK)))
	case pcsc.ReleaseContext:
		return c.write(pcsc.Words(c.context, uint32(pcsc.OK)))
	case pcsc.Connect:
		return c.connect(b)
	}
	// The rest is about a handle; who names one that is not his is thrown out.
	id := pcsc.Word(b, 0)
	hd := c.handles[id]
	if hd == nil {
		return false
	}
	if cmd == pcsc.Transmit {
		return c.transmit(id, hd, b)
	}
	code := c.order(cmd, id, hd, b)
	return c.write(append(b[:len(b)-4:len(b)-4], pcsc.Words(uint32(code))...))
}

func (c *client) watch(cmd pcsc.Command) bool {
	d := c.d
	d.mu.Lock()
	states := d.states()
	was := c.waiting
	switch cmd {
	case pcsc.WaitStateChange:
		c.waiting = true
	case pcsc.StopWaiting:
		c.waiting = false
		states = nil
		if was { // otherwise the event is the answer
			states = pcsc.Words(0, uint32(pcsc.OK))
		}
	}
	d.mu.Unlock()
	return c.write(states)
}

// version is the answer to CMD_VERSION: up to 4:5 the versions must be equal.
func (c *client) version(b []byte) bool {
	code := pcsc.OK
	theirs := pcsc.Word(b, 1)
	if pcsc.Word(b, 0) != pcsc.Major || c.d.o.Minor <= 5 && theirs != c.d.o.Minor || theirs < 4 || theirs > c.d.o.Minor {
		code = pcsc.ServiceStopped
	}
	return c.write(pcsc.Words(pcsc.Major, c.d.o.Minor, uint32(code)))
}

func (c *client) connect(b []byte) bool {
	d := c.d
	d.mu.Lock()
	code := pcsc.OK
	share := pcsc.Word(b[4+pcsc.NameSize:], 0)
	name := string(b[4 : 4+len(Name)])
	switch {
	case !d.reader || name != Name || b[4+len(Name)] != 0:
		code = pcsc.UnknownReader
	case d.foreign || d.lock != 0 && d.excl || share == pcsc.ShareExclusive && d.connected():
		code = pcsc.SharingViolation
	case d.mute:
		code = pcsc.UnresponsiveCard
	case d.card == nil:
		code = pcsc.NoSmartcard
	}
	var id uint32
	if code == pcsc.OK {
		d.next++
		id = d.next
		c.handles[id] = &handle{}
		if share == pcsc.ShareExclusive {
			d.lock, d.excl = id, true
		}
	}
	tail := pcsc.Words(share, pcsc.Word(b[4+pcsc.NameSize:], 1), id, d.protocol(), uint32(code))
	d.mu.Unlock()
	return c.write(append(b[:4+pcsc.NameSize:4+pcsc.NameSize], tail...))
}

// connected reports whether anyone has a handle. d.mu is held.
func (d *Daemon) connected() bool {
	for c := range d.clients {
		if len(c.handles) > 0 {
			return true
		}
	}
	return false
}
