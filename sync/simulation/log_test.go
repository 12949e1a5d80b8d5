package simulation

import (
	"context"
	"fmt"
	"log/slog"
	"strings"
)

// teller writes what a process logs into the story.
type teller struct {
	s   *sim
	who string
}

// Enabled implements slog.Handler.
func (t teller) Enabled(_ context.Context, l slog.Level) bool { return l >= slog.LevelInfo }

// Handle implements slog.Handler.
func (t teller) Handle(_ context.Context, r slog.Record) error {
	line := r.Message
	r.Attrs(func(a slog.Attr) bool {
		switch a.Key {
		case "kiosk", "code":
		default:
			line += fmt.Sprintf(" %s=%v", a.Key, a.Value)
		}
		return true
	})
	t.s.mu.Lock()
	defer t.s.mu.Unlock()
	t.s.logs = append(t.s.logs, t.s.told(fmt.Sprintf("        %s logs: %s", t.who, strings.ReplaceAll(line, "\n", "; "))))
	return nil
}

// WithAttrs implements slog.Handler.
func (t teller) WithAttrs([]slog.Attr) slog.Handler { return t }

// WithGroup implements slog.Handler.
func (t teller) WithGroup(string) slog.Handler { return t }
