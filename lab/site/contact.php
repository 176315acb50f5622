<?php
require __DIR__ . '/lib/page.php';
page('contact', [
    'title' => 'Contact',
    'telephone' => '555-0147',
    'mail' => 'office@hinoki.example',
]);
