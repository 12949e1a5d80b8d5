package web

import (
	"log/slog"
	"net/http"
)

// Config is what a server of screens needs. The zero value of everything but
// Kiosk works.
type Config struct {
	Kiosk         Kiosk
	MMPx          float64      // pixels of the display per millimetre; 0 is 4.2
	Width, Height int          // of the display in pixels; 0 is 1280 × 800
	Addr          string       // host:port the browser asks for; "" accepts every loopback name
	Log           *slog.Logger // nil: slog.Default()
}

// NewServer returns the handler that serves the screens of c.Kiosk.
func NewServer(c Config) http.Handler {
	return http.NotFoundHandler()
}
