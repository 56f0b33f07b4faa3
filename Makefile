# The commands of a developer. `make` alone explains them.
.DEFAULT_GOAL := help
.PHONY: help build test race lint fmt bench demo quirks ci clean

LINT := .ci/tools/golangci-lint

help: ## show this list
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "  make %-7s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

build: ## build the program as ./partnerhealth
	go build -o partnerhealth ./cmd/partnerhealth

test: ## run all tests, as a user would
	go test ./...

race: ## run all tests under the race detector
	go test -race ./...

lint: ## check formatting, go vet and the rules of .golangci.yml
	@test -z "$$(gofmt -l .)" || { gofmt -l .; exit 1; }
	go vet ./...
	go build -C $(LINT) -o golangci-lint github.com/golangci/golangci-lint/v2/cmd/golangci-lint
	$(LINT)/golangci-lint run ./...

fmt: ## format the code
	gofmt -w .

bench: ## run every benchmark
	go test -run '^$$' -bench . ./...

demo: ## make a synthetic partner programme in ./partnerhealth-demo and run a night on it
	go run ./cmd/partnerhealth demo

quirks: ## show that the test of every quirk fails without the handling of that quirk
	.ci/quirks-bite

ci: ## run everything that must hold before a change lands
	.ci/run

clean: ## remove what the commands above have made
	rm -rf partnerhealth partnerhealth-demo $(LINT)/golangci-lint
