@cluster
Feature: What the application keeps
  As somebody who uses it
  I want it to keep what I give it
  so that I find it again, whatever happens behind it.

  What can be asked of it is told by its own OpenAPI document.

  @US2.2 @SC-003 @with-a-public-role @without-a-journey
  Scenario: It can be created, read, changed and deleted
    Given the application is installed by its chart
    And a visitor of the application
    And what the application tells of its interface
    When the visitor creates something that it keeps
    Then it can be read as it was created
    When the visitor changes it
    Then it can be read as it was changed
    When the visitor deletes it
    Then it is gone

  @SC-003 @disruptive @with-database @with-a-public-role @without-a-journey
  Scenario: It outlives the pods
    Given the application is installed by its chart
    And a visitor of the application
    And what the application tells of its interface
    When the visitor creates something that it keeps
    And every pod of the application is replaced
    Then the application is ready again
    And it can be read as it was created
