// SPDX-License-Identifier: Apache-2.0
package ai.dotori.example;

import java.io.IOException;

/** Looks at one photo. Called from the worker thread. */
interface Analyser {
    Answer analyse(Photo photo) throws IOException;
}
