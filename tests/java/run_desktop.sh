#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# run_desktop.sh BUILD: the JUnit tests on this machine's JVM, which checks every use of JNI; a warning of it is a failure.
# BUILD was configured with DOTORI_JAVA=ON and has the target java_tests.
set -euo pipefail
build=$(cd "${1:?usage: run_desktop.sh BUILD}" && pwd)
cd "$(dirname "$0")"
work=$build/tests/java/desktop
rm -rf "$work"
mkdir -p "$work/models" "$work/classes"
"$build/make_java_models" "$work/models"

path=$build/dotori.jar
for jar in junit-jupiter-{api,engine,params} junit-platform-{commons,console,engine,launcher,reporting} apiguardian-api opentest4j picocli \
  univocity-parsers; do
  [ -f "/usr/share/java/$jar.jar" ] || { echo "java: no /usr/share/java/$jar.jar (Debian: junit5)" >&2; exit 1; }
  path=$path:/usr/share/java/$jar.jar
done
javac -encoding UTF-8 -Xlint:all,-options,-path -Werror -d "$work/classes" -cp "$path" ai/dotori/*.java

# A file name beyond ASCII needs a locale that can say it.
LC_ALL=C.UTF-8 java -Xcheck:jni -Xmx256m -Djava.library.path="$build" -Ddotori.models="$work/models" -cp "$work/classes:$path" \
  org.junit.platform.console.ConsoleLauncher --disable-banner --details tree --disable-ansi-colors -p ai.dotori >"$work/log" 2>&1 ||
  { cat "$work/log"; exit 1; }
grep -E 'tests (successful|failed)' "$work/log"
grep -qE '^\[ *[1-9][0-9]* tests successful' "$work/log" || { echo "java: no test ran"; exit 1; }
if grep -nE 'WARNING|FATAL ERROR|SIGSEGV|Critical' "$work/log"; then
  echo "java: the JVM found fault with the use of JNI"
  exit 1
fi

exported=$(nm -D --defined-only "$build/libdotori_jni.so" | awk '{ print $NF }' | sort)
expected=$({ echo JNI_OnLoad; sed -nE 's/^DOTORI_C_API .*[ *](dotori_[a-z0-9_]+)\(.*/\1/p' ../../include/dotori/c_api.h; } | sort)
diff <(echo "$expected") <(echo "$exported") || { echo "java: libdotori_jni.so does not export the C API and JNI_OnLoad alone"; exit 1; }
