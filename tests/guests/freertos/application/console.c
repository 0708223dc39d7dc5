/*
 * The console. Output is written by the tasks that have something to say, a line at a time under a lock, and
 * waits for the UART by sleeping. Input comes by interrupt through a queue; a full queue silences the interrupt
 * until the reader has made room, so nothing that the UART's FIFO can hold back is lost.
 */
#include "console.h"

#include "board.h"
#include "commands.h"
#include "format.h"
#include "queue.h"
#include "semphr.h"
#include "string.h"
#include "tasks.h"
#include "uart.h"

#define PROMPT          "rtos> "
#define NEW_LINE        "\r\n"
#define RECEIVE_BYTES   128
#define BACKSPACE       0x08
#define DELETE          0x7F
#define CONTROL_C       0x03
#define CONTROL_U       0x15
#define BELL            "\a"

static StaticQueue_t receive_block;
static uint8_t receive_memory[RECEIVE_BYTES];
static QueueHandle_t receive_queue;

static StaticSemaphore_t lock_block;
static SemaphoreHandle_t lock;

/* Under the lock. */
static struct {
    char line[CONSOLE_LINE_BYTES];
    size_t length;
    bool reading;           /* a line is being read: the prompt should be on the screen */
    bool prompt_visible;    /* it is, and the cursor stands behind prompt and line */
} editor;

static void write(const char *text)
{
    for (; *text != '\0'; text++) {
        while (!uart_try_write(*text)) {
            vTaskDelay(1);
        }
    }
}

static void show_prompt(void)
{
    write(PROMPT);
    write(editor.line);
    editor.prompt_visible = true;
}

static void write_line(const char *line, bool streamed)
{
    xSemaphoreTake(lock, portMAX_DELAY);
    if (editor.prompt_visible) {
        write(NEW_LINE);
        editor.prompt_visible = false;
    }
    write(line);
    write(NEW_LINE);
    if (editor.reading && (!streamed || editor.length > 0)) {
        show_prompt();
    }
    xSemaphoreGive(lock);
}

void console_print(const char *pattern, ...)
{
    char line[256];
    va_list arguments;

    va_start(arguments, pattern);
    format_arguments(line, sizeof(line), pattern, arguments);
    va_end(arguments);
    write_line(line, false);
}

void console_stream(const char *line)
{
    write_line(line, true);
}

void application_uart_interrupt(void)
{
    BaseType_t woken = pdFALSE;
    char character;

    while (xQueueIsQueueFullFromISR(receive_queue) == pdFALSE && uart_try_read(&character)) {
        xQueueSendFromISR(receive_queue, &character, &woken);
    }
    if (xQueueIsQueueFullFromISR(receive_queue) != pdFALSE) {
        uart_receive_interrupt(false);
    }
    portYIELD_FROM_ISR(woken);
}

bool console_read_key(char *key, TickType_t patience)
{
    if (xQueueReceive(receive_queue, key, patience) == pdFALSE) {
        return false;
    }
    /* Only an empty queue opens the interrupt again: at most once per filling, not once per character. */
    if (uxQueueMessagesWaiting(receive_queue) == 0) {
        uart_receive_interrupt(true);
    }
    return true;
}

static void append(char key)
{
    char echo[2] = { key, '\0' };

    if (editor.length + 1 == CONSOLE_LINE_BYTES) {
        write(BELL);
        return;
    }
    editor.line[editor.length++] = key;
    editor.line[editor.length] = '\0';
    write(echo);
}

static void erase(size_t count)
{
    for (; count > 0 && editor.length > 0; count--) {
        editor.line[--editor.length] = '\0';
        write("\b \b");
    }
}

/* Applies one key to the line. True when the line is complete. */
static bool edit(char key)
{
    switch (key) {
    case '\r':
    case '\n':
        return true;
    case BACKSPACE:
    case DELETE:
        erase(1);
        return false;
    case CONTROL_U:
        erase(editor.length);
        return false;
    case CONTROL_C:
        editor.length = 0;
        editor.line[0] = '\0';
        return true;
    default:
        if (key >= ' ' && key < DELETE) {
            append(key);
        }
        return false;
    }
}

static bool type(char key)
{
    xSemaphoreTake(lock, portMAX_DELAY);
    if (!editor.prompt_visible) {
        show_prompt();
    }
    bool complete = edit(key);
    if (complete) {
        write(NEW_LINE);
        editor.prompt_visible = false;
        editor.reading = false;
    }
    xSemaphoreGive(lock);
    return complete;
}

void console_read_line(char *line)
{
    static bool after_carriage_return;
    char key;

    xSemaphoreTake(lock, portMAX_DELAY);
    editor.length = 0;
    editor.line[0] = '\0';
    editor.reading = true;
    show_prompt();
    xSemaphoreGive(lock);
    for (;;) {
        console_read_key(&key, portMAX_DELAY);
        bool second_half = key == '\n' && after_carriage_return; /* CR LF is one end of line */
        after_carriage_return = key == '\r';
        if (!second_half && type(key)) {
            break;
        }
    }
    memcpy(line, editor.line, editor.length + 1);
}

static void console_task(void *unused)
{
    char line[CONSOLE_LINE_BYTES];

    (void)unused;
    uart_receive_interrupt(true);
    for (;;) {
        console_read_line(line);
        command_run(line);
    }
}

void console_create(void)
{
    receive_queue = xQueueCreateStatic(RECEIVE_BYTES, 1, receive_memory, &receive_block);
    lock = xSemaphoreCreateMutexStatic(&lock_block);
    task_create(STACK_CONSOLE, "console", PRIORITY_CONSOLE, console_task, NULL);
}
