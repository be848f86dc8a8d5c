// SPDX-License-Identifier: Apache-2.0
package ai.dotori.example;

/** In the place of the app's Photo: the bytes of a file. */
final class Photo {
    private final byte[] bytes;

    Photo(byte[] bytes) {
        this.bytes = bytes;
    }

    byte[] jpeg() {
        return bytes;
    }
}
