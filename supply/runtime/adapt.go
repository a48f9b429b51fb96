package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
)

// adapt rewrites a bundle's config.json, or the process description of an exec, so
// that it asks for no more than own. All that it does not know stays as it was.
func adapt(file string, own limits) error {
	raw, err := os.ReadFile(file)
	if err != nil {
		return err
	}
	decoder := json.NewDecoder(bytes.NewReader(raw))
	decoder.UseNumber() // 64-bit numbers, such as resource limits, must not lose digits
	var document map[string]any
	if err := decoder.Decode(&document); err != nil {
		return fmt.Errorf("%s: %w", file, err)
	}
	process, isBundle := document["process"].(map[string]any)
	if !isBundle {
		process = document
	}
	changed := cutCapabilities(process, own)
	changed = raiseScore(process, own) || changed
	if !changed {
		return nil
	}
	edited, err := json.Marshal(document)
	if err != nil {
		return err
	}
	return replace(file, edited)
}

func cutCapabilities(process map[string]any, own limits) bool {
	sets, _ := process["capabilities"].(map[string]any)
	changed := false
	for name, value := range sets {
		asked, _ := value.([]any)
		kept := make([]any, 0, len(asked))
		for _, capability := range asked {
			if text, ok := capability.(string); ok && own.allows(text) {
				kept = append(kept, capability)
			}
		}
		if len(kept) != len(asked) {
			sets[name] = kept
			changed = true
		}
	}
	return changed
}

func raiseScore(process map[string]any, own limits) bool {
	asked, ok := process["oomScoreAdj"].(json.Number)
	if !ok || own.mayLowerScore() {
		return false
	}
	score, err := asked.Int64()
	if err != nil || score >= own.oomScore {
		return false
	}
	process["oomScoreAdj"] = own.oomScore
	return true
}

// replace writes a file whole or not at all, and keeps its permissions.
func replace(file string, content []byte) error {
	info, err := os.Stat(file)
	if err != nil {
		return err
	}
	next, err := os.CreateTemp(filepath.Dir(file), ".adapted-")
	if err != nil {
		return err
	}
	defer os.Remove(next.Name())
	if _, err = next.Write(content); err == nil {
		err = next.Chmod(info.Mode().Perm())
	}
	if closed := next.Close(); err == nil {
		err = closed
	}
	if err != nil {
		return err
	}
	return os.Rename(next.Name(), file)
}
