package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

const all = uint64(1)<<41 - 1

func write(t *testing.T, name, text string) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(file, []byte(text), 0o640); err != nil {
		t.Fatal(err)
	}
	return file
}

func read(t *testing.T, file string) string {
	t.Helper()
	raw, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	return string(raw)
}

func TestDescriptionIsFoundInEveryFormOfCall(t *testing.T) {
	for call, want := range map[string]string{
		"--root /r --log /l create --bundle /b --pid-file p id": "/b/config.json",
		"--root=/r run -b /b id":                                "/b/config.json",
		"create --bundle=/b id":                                 "/b/config.json",
		"run id":                                                "config.json",
		"--root /r exec --process /tmp/runc-process1 --detach id": "/tmp/runc-process1",
		"exec -p=/tmp/p id":   "/tmp/p",
		"exec id sh":          "",
		"--root /r kill id 9": "",
		"kill run 9":          "",
		"start id":            "",
	} {
		if got := description(strings.Fields(call)); got != want {
			t.Errorf("%s: %q, not %q", call, got, want)
		}
	}
}

func TestCapabilitiesAreCutAndScoreRaised(t *testing.T) {
	file := write(t, "config.json", `{"ociVersion":"1.0.2","process":{"oomScoreAdj":-998,
		"capabilities":{"bounding":["CAP_CHOWN","CAP_SYS_RESOURCE","CAP_FROM_THE_FUTURE"],"effective":["CAP_CHOWN"]}},
		"linux":{"resources":{"memory":{"limit":9223372036854775807}}}}`)
	if err := adapt(file, limits{bounding: all &^ (1 << sysResource), oomScore: 0}); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{`"bounding":["CAP_CHOWN"]`, `"effective":["CAP_CHOWN"]`,
		`"oomScoreAdj":0`, `"limit":9223372036854775807`} {
		if !strings.Contains(read(t, file), want) {
			t.Errorf("%s is missing in %s", want, read(t, file))
		}
	}
	if info, _ := os.Stat(file); info.Mode().Perm() != 0o640 {
		t.Errorf("permissions became %v", info.Mode())
	}
}

func TestProcessOfAnExecIsAdapted(t *testing.T) {
	file := write(t, "process", `{"args":["sh"],"capabilities":{"permitted":["CAP_SYS_RESOURCE"]}}`)
	if err := adapt(file, limits{bounding: 1}); err != nil {
		t.Fatal(err)
	}
	if got := read(t, file); got != `{"args":["sh"],"capabilities":{"permitted":[]}}` {
		t.Error(got)
	}
}

func TestWhatAsksForNoMoreStaysByteForByte(t *testing.T) {
	const text = `{ "process": {"oomScoreAdj": 100, "capabilities": {"bounding": ["CAP_CHOWN"]}} }`
	file := write(t, "config.json", text)
	if err := adapt(file, limits{bounding: 1}); err != nil {
		t.Fatal(err)
	}
	if got := read(t, file); got != text {
		t.Error(got)
	}
}

func TestScoreMayGoDownWithTheCapability(t *testing.T) {
	const text = `{"process":{"oomScoreAdj":-998}}`
	file := write(t, "config.json", text)
	if err := adapt(file, limits{bounding: 1 << sysResource}); err != nil {
		t.Fatal(err)
	}
	if got := read(t, file); got != text {
		t.Error(got)
	}
}

func TestBrokenDescriptionIsNamed(t *testing.T) {
	file := write(t, "config.json", "{")
	if err := adapt(file, limits{}); err == nil || !strings.Contains(err.Error(), file) {
		t.Error(err)
	}
}

func TestOwnLimitsAreRead(t *testing.T) {
	file := write(t, "status", "Name:\tx\nCapBnd:\t000001fffeffffff\n")
	proc := filepath.Dir(file)
	if err := os.WriteFile(filepath.Join(proc, "oom_score_adj"), []byte("-5\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	own, err := ownLimits(proc)
	if err != nil || own.oomScore != -5 || own.mayLowerScore() || !own.reduced() {
		t.Error(own, err)
	}
	if (limits{bounding: all}).reduced() {
		t.Error("the full set counts as reduced")
	}
}

func TestRealRuntimeIsTheFirstRunc(t *testing.T) {
	file := write(t, "runc", "")
	path := "/nowhere:" + filepath.Dir(file)
	if got, err := realRuntime(path); err != nil || got != file {
		t.Error(got, err)
	}
	if _, err := realRuntime("/nowhere"); err == nil {
		t.Error("no error without a runc")
	}
}
