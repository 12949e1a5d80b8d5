package devicetest

import (
	"bytes"
	"sync"
)

// Card is an Echo that notes what it is given, and has something to do when it is
// spoken to.
type Card struct {
	Echo
	mu     sync.Mutex
	do     func()
	got    [][]byte
	resets int
}

// Activate counts.
func (c *Card) Activate() (uid, ats []byte) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.resets++
	return c.Echo.Activate()
}

// Transmit notes and echoes.
func (c *Card) Transmit(apdu []byte) []byte {
	c.mu.Lock()
	do := c.do
	c.do = nil
	c.got = append(c.got, bytes.Clone(apdu))
	c.mu.Unlock()
	if do != nil {
		do()
	}
	return c.Echo.Transmit(apdu)
}

// Do has the card do f when it gets its next APDU, before it answers.
func (c *Card) Do(f func()) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.do = f
}

// APDUs returns the APDUs the card was given.
func (c *Card) APDUs() [][]byte {
	c.mu.Lock()
	defer c.mu.Unlock()
	return append([][]byte(nil), c.got...)
}

// Resets returns how often the card was activated.
func (c *Card) Resets() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.resets
}
