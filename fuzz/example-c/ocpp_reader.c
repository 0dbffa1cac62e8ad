/* A worked example: the mutator of Plugfest in front of somebody else's JSON parser (cJSON) and a small OCPP-J reader on
 * top of it, as many stations have one. Replace read_message() by what reads messages in your stack.
 *
 * It is an ordinary libFuzzer target; ./run builds it with clang, or with gcc and driver.c where there is no clang. */
#include <cjson/cJSON.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "plugfest_mutator.h"

/* What the reader makes of a message: 2 to 6, or 0 for something that is none. */
static int read_message(const char *text, size_t length)
{
    cJSON *frame = cJSON_ParseWithLength(text, length);
    int kind = 0;
    if (cJSON_IsArray(frame)) {
        const cJSON *type = cJSON_GetArrayItem(frame, 0);
        const cJSON *id = cJSON_GetArrayItem(frame, 1);
        const cJSON *third = cJSON_GetArrayItem(frame, 2);
        const cJSON *payload = cJSON_GetArrayItem(frame, 3);
        int size = cJSON_GetArraySize(frame);
        if (cJSON_IsNumber(type) && cJSON_IsString(id) && strlen(id->valuestring) <= 36) {
            if (type->valuedouble == 2 && size == 4 && cJSON_IsString(third) && cJSON_IsObject(payload))
                kind = 2;
            else if (type->valuedouble == 3 && size == 3 && cJSON_IsObject(third))
                kind = 3;
            else if (type->valuedouble == 4 && size == 5 && cJSON_IsString(third))
                kind = 4;
        }
        if (kind == 2 && strcmp(third->valuestring, "BootNotification") == 0) {
            const cJSON *vendor = cJSON_GetObjectItemCaseSensitive(payload, "chargePointVendor");
            char stored[21];
            if (cJSON_IsString(vendor) && strlen(vendor->valuestring) < sizeof stored)
                strcpy(stored, vendor->valuestring);
        }
    }
    if (frame != NULL) {
        /* What is written must be readable: a reader that answers with an echo of the message relies on it. */
        char *again = cJSON_PrintUnformatted(frame);
        cJSON *copy = again != NULL ? cJSON_Parse(again) : NULL;
        cJSON_Delete(copy);
        cJSON_free(again);
    }
    cJSON_Delete(frame);
    return kind;
}

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
    (void)argc;
    (void)argv;
    /* This reader stands in a 1.6 station, so it hears a CSMS; leave it out to hear everybody. */
    plugfest_speak(16, 2);
    return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    /* One message a line. The copy ends where the message ends, so that a read beyond it shows. */
    while (size > 0) {
        const uint8_t *end = memchr(data, '\n', size);
        size_t length = end != NULL ? (size_t)(end - data) : size;
        char *text = malloc(length > 0 ? length : 1);
        if (text == NULL)
            return 0;
        memcpy(text, data, length);
        read_message(text, length);
        free(text);
        length += end != NULL ? 1 : 0;
        data += length;
        size -= length;
    }
    return 0;
}
