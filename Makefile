# Thin names for Maven, pip and pytest. Nothing is installed outside the tree but the usual caches
# (~/.m2, ~/.cache/pip), and nothing needs root.

# The JDK is checked first, whatever -j says.
.NOTPARALLEL:
.PHONY: help demo build test test-quick soak bench bench-quick image dist docs format jdk python

JAVA_SOURCES := pom.xml $(shell find client-java/pom.xml client-java/src/main server/pom.xml server/src/main)
BUILT := server/target/.built
LAUNCHED := server/target/sealbuf/lib/sealbuf-server.jar
CACHE := server/target/sealbuf/lib/sealbuf.aot
JDK := server/target/.jdk
JAVADOC := target/docs/extra/javadoc/index.html

help: ## show this
	@sed -n 's/^\([a-z-]*\):.*## /\1\t/p' Makefile | expand -t 14

demo: build ## Java publishes, Python reads the same pages, writes are refused; ARGS='--seed 7' for another
	@scripts/demo $(ARGS)

build: jdk python $(CACHE) ## the launcher in server/target/sealbuf/bin, the Python client in .venv
	@echo "built: server/target/sealbuf/bin/sealbuf ($$(scripts/find-jdk)), .venv ($$(.venv/bin/python -c 'import sys; print(sys._base_executable)'))"

test: build ## formats, lints, types, Java, Python 3.11 to 3.13; ends with a table
	@scripts/test

test-quick: build ## the same without the tests that start a daemon
	@scripts/test quick

soak: build ## the tests of docs/tests.toml at full size and an hour of fuzzing; ARGS='-k herd' for a part; then docs/tests.md
	@scripts/soak $(ARGS)

bench: build ## Sealbuf, its peers and the floors, at most half an hour; results in bench/results
	@cd bench && ../.venv/bin/python -m sealbench

bench-quick: build ## the same in three minutes, with smaller sizes
	@cd bench && ../.venv/bin/python -m sealbench --plan quick

image: build ## the container images sealbuf, sealbuf-producer and sealbuf-worker
	@scripts/image

dist: build ## everything for users in dist/, tried out: tarball, Maven repository, wheel, image; checksums
	@scripts/dist

docs: jdk $(JAVADOC) ## these documents as a site, in target/docs/site; warnings and links that lead nowhere are errors
	@scripts/docs

format: build ## google-java-format and ruff
	@scripts/maven --quiet -Pjmh spotless:apply
	@scripts/python-checks format

jdk:
	@scripts/find-jdk >/dev/null

python:
	@scripts/python-env .venv

# Directories count as sources too, so that a deleted file is noticed. The folder is made anew:
# a jar of an older version must not stay on the class path. The examples are built by who tests or
# runs them.
$(BUILT): $(JAVA_SOURCES)
	@echo "server/target/sealbuf: compiling (the first time downloads Maven and the libraries)"
	@rm -rf server/target/sealbuf
	@scripts/maven --quiet package -DskipTests -pl client-java,server
	@touch $@

# The JVM refuses a cache of older jars or another Java, so it is made after them. It only saves time: where no daemon can be
# rehearsed, there is none.
$(CACHE): $(BUILT) $(LAUNCHED) $(JDK) scripts/aot-cache scripts/RenewClasses.java
	@scripts/aot-cache server/target/sealbuf "$$(scripts/find-jdk)" || echo "$@: left out, the launcher starts more slowly without it" >&2

$(LAUNCHED): $(BUILT) ;

$(JAVADOC): pom.xml $(shell find client-java/pom.xml client-java/src/main)
	@echo "$(@D): the Java client's Javadoc"
	@scripts/maven --quiet compile javadoc:javadoc -pl client-java
	@rm -rf $(@D)
	@mkdir -p $(@D)
	@cp -R client-java/target/reports/apidocs/. $(@D)

# Touched only when it is another one: a package's files keep the time at which they were made.
$(JDK): jdk
	@mkdir -p $(@D)
	@{ scripts/find-jdk; cat "$$(scripts/find-jdk)/release"; } >$@.new
	@cmp -s $@.new $@ && rm $@.new || mv $@.new $@
