package virtual

import (
	"context"
	"os"
	"runtime"
	"sync"
	"time"
)

// Accelerate returns QEMU's arguments for the fastest way in which this computer
// runs a guest of its own kind. That /dev/kvm is there does not say that it works:
// a kernel is started with it, once.
func Accelerate(ctx context.Context, kernel string) []string {
	probe.Do(func() { works = kvmWorks(ctx, kernel) })
	if works {
		return []string{"-accel", "kvm", "-cpu", "host"}
	}
	return emulate()
}

// emulate are the arguments with which TCG is fastest: «-cpu max» takes more than
// twice the time.
func emulate() []string {
	return []string{"-accel", "tcg,thread=multi,tb-size=1024", "-cpu", "Nehalem,+rdrand"}
}

var (
	probe sync.Once
	works bool
)

// kvmPatience is how long a kernel may take to its first words. With KVM it is less
// than a second.
const kvmPatience = 10 * time.Second

// kvmWorks starts a kernel without any disk and waits until it says that there is
// none.
func kvmWorks(ctx context.Context, kernel string) bool {
	if runtime.GOARCH != "amd64" {
		return false
	}
	f, err := os.OpenFile("/dev/kvm", os.O_RDWR, 0)
	if err != nil {
		return false
	}
	if err := f.Close(); err != nil {
		return false
	}
	ctx, stop := context.WithTimeout(ctx, kvmPatience)
	defer stop()
	m, err := Start(ctx, Options{
		Accelerate: []string{"-accel", "kvm", "-cpu", "host"}, Memory: 256,
		Kernel: kernel, Command: "console=ttyS0 panic=-1",
	})
	if err != nil {
		return false
	}
	defer func() { _ = m.Close() }()
	go func() { // an instruction that KVM cannot run stops the machine
		select {
		case <-m.Stopped():
			stop()
		case <-ctx.Done():
		}
	}()
	_, _, err = m.Console.Await(ctx, 0, func(Line) bool { return true })
	return err == nil
}
