<?php
// page(): fills the words into a template and sends it.
function page(string $template, array $words): void
{
    $text = file_get_contents(__DIR__ . "/templates/$template.html");
    // A page without its words is no page.
    if ($text === false) {
        http_response_code(500);
        return;
    }
    foreach ($words as $name => $word) {
        $text = str_replace('{' . $name . '}', htmlspecialchars($word), $text);
    }
    header('Content-Type: text/html; charset=utf-8');
    echo $text;
}
