//go:build race

package endpoint

// raceDetector tells whether this binary was built with -race, which allocates on its own account.
const raceDetector = true
